//! Which way a piece of prose runs, and which language's typography it wants.

/// The direction of a piece of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    LeftToRight,
    RightToLeft,
}

impl Direction {
    /// The value of the `dir` attribute.
    pub fn name(self) -> &'static str {
        match self {
            Direction::LeftToRight => "ltr",
            Direction::RightToLeft => "rtl",
        }
    }

    /// The direction that the first strong character of `text` gives; `None` if it has none. Strong are letters; digits,
    /// punctuation and blanks are not (Unicode Standard Annex 9, rule P2, by blocks instead of by the property's table).
    pub fn of(text: &str) -> Option<Direction> {
        text.chars()
            .find(|c| c.is_alphabetic())
            .map(|c| if is_right_to_left(c) { Direction::RightToLeft } else { Direction::LeftToRight })
    }
}

fn is_right_to_left(c: char) -> bool {
    matches!(u32::from(c), 0x0590..=0x08FF | 0xFB1D..=0xFDCF | 0xFDF0..=0xFDFF | 0xFE70..=0xFEFF | 0x1_0800..=0x1_0FFF | 0x1_E800..=0x1_EFFF)
}

/// Han characters, of any language that writes with them.
fn is_han(c: char) -> bool {
    matches!(u32::from(c), 0x3005..=0x3007 | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF)
}

fn is_kana(c: char) -> bool {
    matches!(u32::from(c), 0x3041..=0x309F | 0x30A1..=0x30FA | 0x31F0..=0x31FF | 0xFF66..=0xFF9F)
}

fn is_hangul(c: char) -> bool {
    matches!(u32::from(c), 0x1100..=0x11FF | 0x3130..=0x318F | 0xAC00..=0xD7AF)
}

/// Whether `c` is written without blanks between words, or in Korean.
pub(super) fn is_east_asian(c: char) -> bool {
    is_han(c) || is_kana(c) || is_hangul(c)
}

/// The letters of a piece of prose, counted by script.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    han: usize,
    kana: usize,
    hangul: usize,
    latin: usize,
    other: usize,
}

impl Tally {
    /// Counts the letters of `text` in.
    pub fn add(&mut self, text: &str) {
        for c in text.chars() {
            if c.is_ascii() {
                self.latin += usize::from(c.is_ascii_alphabetic());
            } else if is_han(c) {
                self.han += 1;
            } else if is_kana(c) {
                self.kana += 1;
            } else if is_hangul(c) {
                self.hangul += 1;
            } else if c.is_alphabetic() {
                let latin = matches!(u32::from(c), 0xAA..=0x24F | 0x1E00..=0x1EFF | 0x2C60..=0x2C7F | 0xA720..=0xA7FF);
                *(if latin { &mut self.latin } else { &mut self.other }) += 1;
            }
        }
    }

    /// The value of the `lang` attribute, or `None` where there is little to tell by.
    ///
    /// A Han character says about as much as three letters, so a Chinese sentence full of English names is still Chinese.
    /// Japanese and Korean are told apart because the same character is drawn differently there. All Latin script is called
    /// English: what matters to the page is that a Chinese interface does not set it as Chinese.
    pub fn language(self) -> Option<&'static str> {
        let east = 3 * (self.han + self.kana + self.hangul);
        if east == 0 && self.latin == 0 || self.other > east.max(self.latin) {
            None
        } else if east < self.latin {
            Some("en")
        } else if self.hangul > self.han + self.kana {
            Some("ko")
        } else if self.kana * 10 > self.han {
            Some("ja")
        } else {
            Some("zh")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(text: &str) -> Option<&'static str> {
        let mut tally = Tally::default();
        tally.add(text);
        tally.language()
    }

    #[test]
    fn c30_the_first_letter_decides_the_direction() {
        assert_eq!(Direction::of("(۲) این two"), Some(Direction::RightToLeft));
        assert_eq!(Direction::of("1. two این"), Some(Direction::LeftToRight));
        assert_eq!(Direction::of("你好"), Some(Direction::LeftToRight));
        assert_eq!(Direction::of("12 – !"), None);
        assert_eq!(Direction::of("\u{fdd0}$5 שלום"), Some(Direction::RightToLeft));
    }

    #[test]
    fn the_language_is_the_one_that_says_most() {
        assert_eq!(language("每天早上记下比前一天慢了多少秒"), Some("zh"));
        assert_eq!(language("使用 React 的 useState 钩子管理 state"), Some("zh"));
        assert_eq!(language("The word 苹果 means apple."), Some("en"));
        assert_eq!(language("Größe und Höhe"), Some("en"));
        assert_eq!(language("東京は日本の首都です。"), Some("ja"));
        assert_eq!(language("서울은 한국의 수도"), Some("ko"));
        assert_eq!(language("Столица России"), None);
        assert_eq!(language("1, 2, 3"), None);
    }
}
