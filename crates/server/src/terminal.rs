//! The one place that prints. Whoever listened may have gone (`sangraha up | head`): that ends no platform.

use std::fmt::Display;
use std::io::Write;
use std::time::Instant;

/// One line of a command's answer.
pub fn say(line: impl Display) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// One line beside the answer: progress, warnings, the sentence of an error.
pub fn remark(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
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
