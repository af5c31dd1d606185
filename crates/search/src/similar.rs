//! How alike two keys are: edits that sound alike cost less, and either may go beyond the other.

/// Cost of an edit, in tenths.
const EDIT: u32 = 10;
/// One vowel for another.
const VOWEL: u32 = 6;
/// Sounds that spellings exchange: voicing, sibilants, `p` and `v`; a dropped `h`; a final `m`.
const NEAR: u32 = 3;
/// Letters of either key that are compared.
const LETTERS_MAX: usize = 80;
/// The best likeness.
pub(crate) const ALIKE_MAX: u32 = 1_000;

/// How a text and a title resemble each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Likeness {
    /// Best of the three below, with what is left uncovered counted a little: 0 to [`ALIKE_MAX`].
    pub(crate) score: u32,
    /// Likeness of the parts that were compared, whatever is left over.
    pub(crate) of_parts: u32,
}

/// Compares as wholes, then the text with the beginning of the title, then the title with the beginning of
/// the text, then the text with any part of the title.
pub(crate) fn likeness(text: &str, title: &str) -> Likeness {
    let (q, t) = (clip(text), clip(title));
    if q.is_empty() || t.is_empty() {
        return Likeness::default();
    }
    let (n, m) = (q.len(), t.len());
    let costs = Costs::of(q, t, false);
    let whole = alike(costs.of_whole[m], n.max(m));
    let begins = alike(costs.least_of_whole(m), n);
    let mut best = Likeness { score: whole, of_parts: whole };
    best.take(begins, share(n, m), 75);
    if m >= 5 {
        let goes_on = alike(costs.least_to_end, m);
        // What goes on says nothing for the title, so the title itself must be like.
        let surely = goes_on.saturating_sub((ALIKE_MAX - goes_on) / 2);
        best.take(surely, share(m, n).min(ALIKE_MAX), if m >= 9 { 80 } else { 55 });
    }
    // Inside a title nothing can count for more than this; mostly it need not be looked at.
    if n >= 4 && n < m && weighted(ALIKE_MAX, share(n, m), 65) > best.score {
        let inner = Costs::of(q, t, true);
        best.take(alike(inner.least_of_whole(m), n), share(n, m), 65);
    }
    best
}

/// Likeness of two keys as wholes: 0 to [`ALIKE_MAX`].
pub(crate) fn whole_likeness(one: &str, other: &str) -> u32 {
    let (q, t) = (clip(one), clip(other));
    alike(Costs::of(q, t, false).of_whole[t.len()], q.len().max(t.len()))
}

impl Likeness {
    /// A likeness of parts counts in full where they cover both, and `least` per cent where they do not.
    fn take(&mut self, alike: u32, covered: u32, least: u32) {
        let score = weighted(alike, covered, least);
        if score > self.score {
            *self = Self { score, of_parts: alike };
        }
    }
}

fn weighted(alike: u32, covered: u32, least: u32) -> u32 {
    let weight = least * 10 + (100 - least) * covered.min(ALIKE_MAX) / 100;
    alike * weight / ALIKE_MAX
}

fn clip(key: &str) -> &[u8] {
    let bytes = key.as_bytes();
    &bytes[..bytes.len().min(LETTERS_MAX)]
}

fn share(part: usize, whole: usize) -> u32 {
    u32::try_from(part.min(whole) * ALIKE_MAX as usize / whole.max(1)).unwrap_or(ALIKE_MAX)
}

fn alike(cost: u32, letters: usize) -> u32 {
    let letters = u32::try_from(letters).unwrap_or(u32::MAX).max(1);
    ALIKE_MAX.saturating_sub(cost * (ALIKE_MAX / EDIT) / letters)
}

/// Room for the costs of one row.
type Row = [u32; LETTERS_MAX + 1];

/// Costs between beginnings of one key and beginnings of the other: of the whole text, and to the whole title.
struct Costs {
    /// Between the whole text and each beginning of the title.
    of_whole: Row,
    /// The least between a beginning of the text and the whole title.
    least_to_end: u32,
}

impl Costs {
    /// `free_start`: the text may begin anywhere in the title. Three rows are kept, for an exchange of
    /// neighbours looks two rows back; this is the innermost loop of a search that forgives.
    fn of(q: &[u8], t: &[u8], free_start: bool) -> Self {
        let m = t.len();
        let mut rows: [Row; 3] = [[0; LETTERS_MAX + 1]; 3];
        let [before2, before, here] = &mut rows;
        let (mut before2, mut before, mut here) = (before2, before, here);
        for column in 1..=m {
            before[column] = if free_start { 0 } else { before[column - 1] + EDIT };
        }
        let mut least_to_end = before[m];
        for (row, a) in q.iter().enumerate() {
            let drop = dropped(*a, row + 1 == q.len());
            let exchange = &EXCHANGES[usize::from(letter(*a))];
            let above = row.checked_sub(1).map(|above| q[above]);
            here[0] = before[0] + drop;
            let mut left = here[0];
            for column in 1..=m {
                let b = t[column - 1];
                let exchanged = if *a == b { 0 } else { exchange[usize::from(letter(b))] };
                let mut least = (before[column - 1] + exchanged)
                    .min(before[column] + drop)
                    .min(left + dropped(b, column == m));
                if above == Some(b) && column > 1 && *a == t[column - 2] {
                    least = least.min(before2[column - 2] + EDIT);
                }
                here[column] = least;
                left = least;
            }
            least_to_end = least_to_end.min(here[m]);
            (before2, before, here) = (before, here, before2);
        }
        Self { of_whole: *before, least_to_end }
    }

    /// The least between the whole text and a beginning of the title of `letters`.
    fn least_of_whole(&self, letters: usize) -> u32 {
        self.of_whole[..=letters].iter().copied().min().unwrap_or_default()
    }
}

/// Letters by their place in the alphabet; the last place is for all other bytes.
const LETTERS: usize = 27;

const fn letter(byte: u8) -> u8 {
    if byte.is_ascii_lowercase() { byte - b'a' } else { LETTERS as u8 - 1 }
}

/// What it costs to write one letter for another.
static EXCHANGES: [[u32; LETTERS]; LETTERS] = {
    let mut costs = [[EDIT; LETTERS]; LETTERS];
    let mut a = 0;
    while a < LETTERS - 1 {
        let mut b = 0;
        while b < LETTERS - 1 {
            costs[a][b] = exchanged(b'a' + a as u8, b'a' + b as u8);
            b += 1;
        }
        a += 1;
    }
    costs
};

const fn dropped(letter: u8, is_last: bool) -> u32 {
    match letter {
        b'h' => NEAR,
        b'm' | b'u' if is_last => NEAR,
        b'y' => VOWEL,
        _ => EDIT,
    }
}

const fn exchanged(a: u8, b: u8) -> u32 {
    if a == b {
        return 0;
    }
    match (sound(a), sound(b)) {
        (one, other) if one == other && one != 0 => NEAR,
        _ if is_vowel(a) && is_vowel(b) => VOWEL,
        _ => EDIT,
    }
}

/// Sounds that spellings exchange share a number.
const fn sound(letter: u8) -> u8 {
    match letter {
        b'k' | b'g' => 1,
        b't' | b'd' => 2,
        b'p' | b'b' | b'v' => 3,
        b'c' | b'j' | b's' => 4,
        b'm' | b'n' => 5,
        _ => 0,
    }
}

const fn is_vowel(letter: u8) -> bool {
    matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u')
}

/// Where in `text` something very like `pattern` ends, and at what cost in whole edits; the first best place.
/// Bit-parallel, one word: a pattern is read to 64 letters.
pub(crate) fn find_alike(pattern: &[u8], text: &[u8]) -> Option<(usize, u32)> {
    let pattern = &pattern[..pattern.len().min(64)];
    if pattern.is_empty() {
        return None;
    }
    let mut masks = [0_u64; 256];
    for (at, letter) in pattern.iter().enumerate() {
        masks[usize::from(*letter)] |= 1 << at;
    }
    let last = 1_u64 << (pattern.len() - 1);
    let (mut plus, mut minus, mut cost) = (u64::MAX, 0_u64, pattern.len() as u32);
    let mut best = None;
    for (at, letter) in text.iter().enumerate() {
        let equal = masks[usize::from(*letter)];
        let x = equal | minus;
        let diagonal = ((x & plus).wrapping_add(plus) ^ plus) | x;
        let up = minus | !(diagonal | plus);
        let down = plus & diagonal;
        cost += u32::from(up & last != 0);
        cost -= u32::from(down & last != 0);
        let (up, down) = (up << 1, down << 1);
        plus = down | !(diagonal | up);
        minus = up & diagonal;
        if best.is_none_or(|(_, least)| cost < least) {
            best = Some((at + 1, cost));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sounds_that_spellings_exchange_cost_little() {
        assert_eq!(likeness("rama", "rama").score, 1_000);
        assert!(likeness("sadincane", "sadincene").score > 900);
        assert!(likeness("vagrsivabalam", "varasivabalam").score > 800);
        assert!(likeness("cogasu", "sogasu").score > 940);
        assert!(likeness("arma", "rama").score >= 750, "a swap is one edit");
        assert!(likeness("bohemianrapsodi", "rama").score < 500);
    }

    #[test]
    fn either_may_go_beyond_the_other() {
        let long = likeness("sadujanavinutamguruguham", "sadujanavinutim");
        assert!(long.of_parts > 930 && long.score > 800, "{long:?}");
        let short = likeness("mayintidaka", "raramayintidaka");
        assert!(short.of_parts == 1_000 && short.score > 800, "{short:?}");
        assert_eq!(likeness("", "rama"), Likeness::default());
    }

    /// The definition, letter by letter and without thrift.
    fn plain(q: &[u8], t: &[u8]) -> u32 {
        let mut costs = std::collections::HashMap::new();
        for m in 0..=t.len() {
            costs.insert((0, m), m as u32 * EDIT);
        }
        for n in 1..=q.len() {
            let drop = dropped(q[n - 1], n == q.len());
            costs.insert((n, 0), costs[&(n - 1, 0)] + drop);
            for m in 1..=t.len() {
                let mut least = (costs[&(n - 1, m - 1)] + exchanged(q[n - 1], t[m - 1]))
                    .min(costs[&(n - 1, m)] + drop)
                    .min(costs[&(n, m - 1)] + dropped(t[m - 1], m == t.len()));
                if n > 1 && m > 1 && q[n - 1] == t[m - 2] && q[n - 2] == t[m - 1] {
                    least = least.min(costs[&(n - 2, m - 2)] + EDIT);
                }
                costs.insert((n, m), least);
            }
        }
        costs[&(q.len(), t.len())]
    }

    #[test]
    fn three_rows_cost_what_the_whole_table_costs() {
        let words =
            ["rama", "arma", "sadincane", "sadincene", "hmuy", "7a", "mayintidaka", "am", "u", "xyhm"];
        for q in words {
            for t in words {
                let (q, t) = (q.as_bytes(), t.as_bytes());
                let costs = Costs::of(q, t, false);
                assert_eq!(costs.of_whole[t.len()], plain(q, t), "{q:?} {t:?}");
                assert!(costs.least_to_end <= plain(q, t) && costs.least_of_whole(t.len()) <= plain(q, t));
            }
        }
    }

    #[test]
    fn a_fragment_is_found_inside_a_text() {
        assert_eq!(find_alike(b"mahanu", b"entaromahanupavulu"), Some((12, 0)));
        assert_eq!(find_alike(b"mahxnu", b"entaromahanupavulu"), Some((12, 1)));
        assert_eq!(find_alike(b"", b"x"), None);
        assert_eq!(find_alike(b"abc", b""), None);
        let long = [b'a'; 200];
        assert_eq!(find_alike(&long, &long), Some((64, 0)));
    }
}
