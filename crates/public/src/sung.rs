//! A text that can be read as swaras: ragas whose scale goes so, and songs whose notation does.
//!
//! What is typed as swaras and as nothing else (`srgpds`, `S R2 G3`, `స రి గ`) is always offered; what may be a word
//! as well (`sarigama`), only where words found nothing good. The hits themselves never change by it.

use crate::error::{search_problem, store_problem};
use crate::fallback;
use crate::state::State;
use crate::view::Label;
use domain::music::scale::{ScaleToken, display};
use domain::music::{Raga, Swara};
use lipi::Script;
use search::{Query, SwaraPattern};
use serde::Serialize;
use store::{RagaRow, Read};
use utoipa::ToSchema;
use web::Problem;

/// Most ragas that are named.
const RAGAS_MAX: usize = 12;
/// Longer texts are no pattern of so few swaras.
const TEXT_BYTES_MAX: usize = 200;

/// A text taken for swaras.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct AsSwaras {
    /// What to ask for with `swaras=`: `S R G P D S`.
    pub swaras: String,
    /// Ragas that go so in one of their lines, or at the turn: first those of which it is a whole line, then
    /// those that begin so, at most 12.
    pub ragas: Vec<SungRaga>,
    /// How many ragas do.
    pub raga_total: usize,
    /// Songs whose notation has it.
    pub songs: u64,
}

#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct SungRaga {
    #[serde(flatten)]
    pub label: Label,
    pub arohana: String,
    pub avarohana: String,
}

/// The pattern that `text` is, if it may be meant so: surely, or because words found nothing good.
pub(crate) fn pattern(text: &str, is_unanswered: bool) -> Option<SwaraPattern> {
    let short = Some(text).filter(|text| text.len() <= TEXT_BYTES_MAX)?;
    let pattern = SwaraPattern::parse(short).ok()?;
    (is_unanswered || SwaraPattern::is_nothing_else(text)).then_some(pattern)
}

/// What is sung so, and where that is known to be right; none where nothing is.
pub(crate) async fn sung(
    state: &State,
    read: &Read,
    pattern: SwaraPattern,
    script: Option<Script>,
) -> Result<Option<(AsSwaras, u64)>, Problem> {
    let (ragas, raga_total, lsn) = ragas(state, read, &pattern, script, RAGAS_MAX).await?;
    let swaras = pattern.to_string();
    let query = Query { swaras: Some(pattern), limit: 1, ..Query::default() };
    let songs = fallback::query(state, read, &query).await.map_err(search_problem)?.total;
    let is_found = raga_total > 0 || songs > 0;
    Ok(is_found.then_some((AsSwaras { swaras, ragas, raga_total, songs }, lsn)))
}

/// The first `limit` ragas that go so, how many do, and where that is known to be right.
pub(crate) async fn ragas(
    state: &State,
    read: &Read,
    pattern: &SwaraPattern,
    script: Option<Script>,
    limit: usize,
) -> Result<(Vec<SungRaga>, usize, u64), Problem> {
    let (all, lsn) = state.held.ragas(read).await.map_err(store_problem)?;
    let mut found: Vec<(Place, &RagaRow)> =
        all.iter().filter_map(|row| Some((place(pattern, &row.raga)?, row))).collect();
    found.sort_by(|(a, one), (b, other)| {
        (a, &one.label.label, one.id).cmp(&(b, &other.label.label, other.id))
    });
    let total = found.len();
    let raga = |(_, row): (Place, &RagaRow)| SungRaga {
        label: Label::of(&row.label, script),
        arohana: display(&row.raga.arohana),
        avarohana: display(&row.raga.avarohana),
    };
    Ok((found.into_iter().take(limit).map(raga).collect(), total, lsn))
}

/// How much of a scale a pattern is, the most first: a whole line, its beginning, a part; then shorter scales.
type Place = (u8, usize);

fn place(pattern: &SwaraPattern, raga: &Raga) -> Option<Place> {
    let (up, down) = (line(&raga.arohana), line(&raga.avarohana));
    let whole = [&up, &down]
        .into_iter()
        .any(|line| line.len() == pattern.length() && pattern.begins_in(line).is_some());
    let both: Vec<Swara> = up.iter().chain(down.get(1..).unwrap_or_default()).copied().collect();
    let at = pattern.begins_in(&both).or_else(|| pattern.begins_in(&down).map(|at| at + up.len()))?;
    let rank = match at {
        _ if whole => 0,
        0 => 1,
        _ => 2,
    };
    Some((rank, both.len()))
}

/// The swaras of a line, without what is only sung in phrases.
fn line(tokens: &[ScaleToken]) -> Vec<Swara> {
    tokens.iter().filter(|token| !token.prayoga).map(|token| token.swara).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_word_too_is_swaras_only_where_words_fail() {
        for sure in
            ["srgpds", "S R2 G3 P", "s r g m p", "ச ரி க", "స రి గ", "स रि ग", "sa ri ga ma", "ഗ മ പ", "ಸ ರಿ ಗ"]
        {
            assert!(pattern(sure, false).is_some(), "{sure}");
        }
        for word in ["rama nama", "sarigama", "manasa", "சரிகம"] {
            assert!(pattern(word, false).is_none() && pattern(word, true).is_some(), "{word}");
        }
        for neither in ["endaro", "sr", "", "s r x"] {
            assert!(pattern(neither, true).is_none(), "{neither}");
        }
    }
}
