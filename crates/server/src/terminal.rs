//! The one place that prints.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks to its terminal")]

use std::fmt::Display;
use std::io::Write;
use std::time::Instant;

/// One line of a command's answer.
pub fn say(line: impl Display) {
    println!("{line}");
    let _ = std::io::stdout().flush();
}

/// One line beside the answer: progress, warnings, the sentence of an error.
pub fn remark(line: impl Display) {
    eprintln!("{line}");
}

/// The progress of a start: one line a step, with how long it took.
pub struct Steps(Instant);

impl Steps {
    /// Starts counting.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// A step is done.
    pub fn done(&mut self, what: impl Display) {
        let took = self.0.elapsed();
        self.0 = Instant::now();
        say(format_args!("{:>7.1} s  {what}", took.as_secs_f64()));
    }

    /// Something worth knowing that took no time.
    pub fn note(&self, what: impl Display) {
        say(format_args!("           {what}"));
    }
}
