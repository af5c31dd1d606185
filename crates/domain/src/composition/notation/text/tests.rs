use super::*;
use crate::composition::notation::{Note, Row};
use proptest::prelude::*;

fn malahari(angas: &[u8]) -> Frame {
    use Swara::{D1, G3, M1, P, R1, S};
    Frame { angas: angas.to_vec(), kalai: 1, gati: 4, swaras: [S, R1, G3, M1, P, D1].into() }
}

fn read(text: &str) -> Vec<Row> {
    parse(text, &malahari(&[2, 4])).unwrap()
}

fn mistakes(text: &str) -> Vec<(usize, usize, Reason)> {
    let mistakes = parse(text, &malahari(&[2, 4])).unwrap_err();
    mistakes.into_iter().map(|mistake| (mistake.line, mistake.column, mistake.reason)).collect()
}

#[track_caller]
fn refused(text: &str, line: usize, column: usize, reason: Reason) {
    assert_eq!(mistakes(text)[0], (line, column, reason));
}

#[test]
fn two_avartanams_of_a_line_have_their_words() {
    let rows =
        read("m p | d s' s' r' || r' s' | d p m p ||\n> śrī . | ga ṇa nā tha || si ndhū | . ra va rṇa ||");
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].notes[0].syllable.as_deref(), Some("śrī"));
    assert_eq!(rows[0].notes[3].octave, 1);
    assert_eq!(rows[1].notes[2].syllable, None);
    assert_eq!(rows[1].notes[5].syllable.as_deref(), Some("rṇa"));
}

#[test]
fn karvai_is_the_length_of_its_note() {
    let rows = read("s , | m ; _ ||\nr , | s ; , ||\n, r | s ; , ||");
    assert_eq!(rows[0].notes[1..], [Note::sung(Swara::M1, 0, 3), Note::rest(1)]);
    assert_eq!(rows[2].notes[0], Note::held(1));
}

#[test]
fn brackets_double_the_speed_of_their_row() {
    let rows = read("(s r) m | p d p , ||");
    assert_eq!(rows[0].units_per_beat, 2);
    let lengths: Vec<_> = rows[0].notes.iter().map(|note| note.length).collect();
    assert_eq!(lengths, [1, 1, 2, 2, 2, 4]);
}

#[test]
fn a_speed_holds_for_what_begins_after_it() {
    let rows = read("speed 2\ns r m p | d p m g r s s , ||");
    assert_eq!((rows[0].units_per_beat, rows[0].length()), (2, 12));
}

#[test]
fn an_avartanam_may_run_over_lines() {
    let rows = read("m p |\n> śrī .\n# then\nd p m , ||\n> ga . ṇa");
    let words: Vec<_> = rows[0].notes.iter().filter_map(|note| note.syllable.as_deref()).collect();
    assert_eq!((rows.len(), words), (1, vec!["śrī", "ga", "ṇa"]));
}

#[test]
fn bars_stand_where_the_angas_end() {
    let wide = |expected, found| Reason::BarMisplaced { expected, found };
    refused("s r m | p d p , ||", 1, 7, wide(2, 3));
    refused("s r | p d p , ||\ns | p d p , ||", 2, 3, wide(2, 1));
    refused("s r | p d p ||", 1, 13, wide(4, 3));
    refused("(s r | p d) p , ||", 1, 6, wide(2, 1));
    refused("s r p d p , ||", 1, 13, Reason::AngaMissing { expected: 2, found: 1 });
    refused("s r | p d p , | s ||", 1, 15, Reason::TooManyAngas(2));
    refused("s r | p d p ,", 1, 1, Reason::Unfinished);
    refused("# nothing", 1, 1, Reason::Empty);
}

#[test]
fn every_wrong_token_is_named_with_its_place() {
    refused("s n | p d p , ||", 1, 3, Reason::Foreign("N".into()));
    refused("s r2 | p d p , ||", 1, 3, Reason::Foreign("R2".into()));
    refused("s r9 | p d p , ||", 1, 3, Reason::Unknown("r9".into()));
    refused("s x | p d p , ||", 1, 3, Reason::Unknown("x".into()));
    refused("s r' | p d''' p , ||", 1, 10, Reason::OctaveTooFar);
    refused(", r | p d p , ||", 1, 1, Reason::NothingToHold);
    refused("_ , | p d p , ||", 1, 3, Reason::NothingToHold);
    refused("s r) | p d p , ||", 1, 3, Reason::Bracket);
    refused("((s r | p d p , ||", 1, 1, Reason::Unknown("(s".into()));
    refused("speed 5\n(s) r | p d p , ||", 2, 7, Reason::BarMisplaced { expected: 32, found: 2 });
    refused("speed 9\ns r | p d p , ||", 1, 7, Reason::BadSpeed);
    refused("s r |\nspeed 2\np d p , ||", 2, 1, Reason::SpeedInside);
    refused(&"x ".repeat(TEXT_BYTES_MAX), 1, 1, Reason::TooLong);
}

#[test]
fn words_stand_under_swaras() {
    refused("> śrī\ns r | p d p , ||", 1, 1, Reason::WordsAlone);
    refused("s r | p d p , ||\n> a . b . c d", 2, 13, Reason::WordMisplaced("d".into()));
    refused("s r | p d p , ||\n> a . b . c . e", 2, 15, Reason::WordTooMany(6));
    let long = "ā".repeat(40);
    refused(&format!("s r | p d p , ||\n> {long}"), 2, 3, Reason::WordTooLong);
}

#[test]
fn a_letter_of_two_swaras_needs_its_number() {
    let mut frame = malahari(&[2, 4]);
    frame.swaras.insert(Swara::D2);
    let mistake = parse("s d | p d1 p d2. ||", &frame).unwrap_err().remove(0);
    assert_eq!(mistake.to_string(), "line 1, column 3: the raga has D1 and D2: give `d` its number");
    let rows = parse("s r | p d1 p d2. ||", &frame).unwrap();
    assert_eq!(write(&rows, &frame), "s r | p d1 p d2. ||\n");
}

fn parts() -> impl Strategy<Value = Vec<(usize, i8, u16, bool)>> {
    proptest::collection::vec((0..8_usize, -2..=2_i8, 1..5_u16, any::<bool>()), 1..40)
}

/// A row that fills six beats.
fn filled(parts: Vec<(usize, i8, u16, bool)>, doublings: u32) -> Row {
    use Swara::{D1, G3, M1, P, R1, S};
    let units = 2_u16.pow(doublings);
    let mut room = 6 * units;
    let mut notes: Vec<Note> = Vec::new();
    for (kind, octave, length, has_word) in parts {
        let length = length.min(room);
        if length == 0 {
            break;
        }
        room -= length;
        match ([S, R1, G3, M1, P, D1].get(kind), notes.last_mut()) {
            (Some(swara), _) => {
                let syllable = has_word.then(|| "ga".to_owned());
                notes.push(Note { syllable, ..Note::sung(*swara, octave, length) });
            }
            (None, Some(last)) if last.is_rest() => last.length += length,
            (None, _) => notes.push(Note::rest(length)),
        }
    }
    if let Some(last) = notes.last_mut() {
        last.length += room;
    }
    Row { units_per_beat: u8::try_from(units).unwrap(), notes }
}

proptest! {
    #[test]
    fn rows_survive_writing_and_reading(parts in proptest::collection::vec((parts(), 0..5_u32), 1..6)) {
        let frame = malahari(&[2, 4]);
        let rows: Vec<Row> = parts.into_iter().map(|(parts, doublings)| filled(parts, doublings)).collect();
        prop_assert_eq!(parse(&write(&rows, &frame), &frame), Ok(rows));
    }

    #[test]
    fn reading_never_panics(text in "[srgmpdn12'.,;_()|> \n#a-z]{0,200}") {
        let _ = parse(&text, &malahari(&[2, 4]));
        let _ = parse(&text, &malahari(&[]));
    }

    #[test]
    fn what_is_read_fills_the_tala(text in "[smp' ,;()|\n]{0,60}", gati in 3..5_u8) {
        let frame = Frame { gati, ..malahari(&[1, 1]) };
        for row in parse(&text, &frame).unwrap_or_default() {
            prop_assert_eq!(row.length(), 2 * u32::from(row.units_per_beat));
        }
    }
}
