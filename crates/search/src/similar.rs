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
    let table = Table::of(q, t, false);
    let (n, m) = (q.len(), t.len());
    let whole = alike(table.at(n, m), n.max(m));
    let begins = (0..=m).map(|column| table.at(n, column)).min().map_or(0, |cost| alike(cost, n));
    let mut best = Likeness { score: whole, of_parts: whole };
    best.take(begins, share(n, m), 75);
    if m >= 5 {
        let goes_on = (0..=n).map(|row| table.at(row, m)).min().map_or(0, |cost| alike(cost, m));
        // What goes on says nothing for the title, so the title itself must be like.
        let surely = goes_on.saturating_sub((ALIKE_MAX - goes_on) / 2);
        best.take(surely, share(m, n).min(ALIKE_MAX), if m >= 9 { 80 } else { 55 });
    }
    if n >= 4 && n < m {
        let inner = Table::of(q, t, true);
        let inside = (0..=m).map(|column| inner.at(n, column)).min().map_or(0, |cost| alike(cost, n));
        best.take(inside, share(n, m), 65);
    }
    best
}

/// Likeness of two keys as wholes: 0 to [`ALIKE_MAX`].
pub(crate) fn whole_likeness(one: &str, other: &str) -> u32 {
    let (q, t) = (clip(one), clip(other));
    alike(Table::of(q, t, false).at(q.len(), t.len()), q.len().max(t.len()))
}

impl Likeness {
    /// A likeness of parts counts in full where they cover both, and `least` per cent where they do not.
    fn take(&mut self, alike: u32, covered: u32, least: u32) {
        let weight = least * 10 + (100 - least) * covered.min(ALIKE_MAX) / 100;
        let score = alike * weight / ALIKE_MAX;
        if score > self.score {
            *self = Self { score, of_parts: alike };
        }
    }
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

/// Costs between every beginning of one key and every beginning of the other.
struct Table {
    costs: Vec<u32>,
    width: usize,
}

impl Table {
    /// `free_start`: the text may begin anywhere in the title.
    fn of(q: &[u8], t: &[u8], free_start: bool) -> Self {
        let width = t.len() + 1;
        let mut costs = vec![0; (q.len() + 1) * width];
        for column in 1..width {
            costs[column] = if free_start { 0 } else { costs[column - 1] + EDIT };
        }
        for row in 1..=q.len() {
            let (above, here) = costs.split_at_mut(row * width);
            let above2 = row.checked_sub(2).map(|up| up * width);
            let before = &above[(row - 1) * width..];
            let a = q[row - 1];
            let drop = dropped(a, row == q.len());
            here[0] = before[0] + drop;
            for column in 1..width {
                let b = t[column - 1];
                let mut least = (before[column - 1] + exchanged(a, b))
                    .min(before[column] + drop)
                    .min(here[column - 1] + dropped(b, column + 1 == width));
                if let Some(up) = above2.filter(|_| column > 1 && a == t[column - 2] && q[row - 2] == b) {
                    least = least.min(above[up + column - 2] + EDIT);
                }
                here[column] = least;
            }
        }
        Self { costs, width }
    }

    fn at(&self, row: usize, column: usize) -> u32 {
        self.costs[row * self.width + column]
    }
}

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
