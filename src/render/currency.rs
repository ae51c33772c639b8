//! Tells a formula from the text between two prices.

use super::script::is_east_asian;

/// Whether `body`, between two dollars that touch it, is a formula and not the text between two prices.
pub(super) fn is_formula(before: Option<char>, body: &str, after: Option<char>) -> bool {
    // "R$ 12", "US$": a letter or digit before the sign makes it a currency, unless what follows hangs on it as in H$_2$O.
    if before.is_some_and(|c| c.is_ascii_alphanumeric()) && !body.starts_with(['_', '^', '\\']) {
        return false;
    }
    let joined = match after {
        Some(c) if c.is_ascii_digit() => false,
        Some(c) if c.is_ascii_alphabetic() => has_tex(body) || body.len() <= 2, // the $n$th
        _ => true,
    };
    joined && !is_prose(body)
}

/// Whether `body` has something that only TeX has.
pub(super) fn has_tex(body: &str) -> bool {
    body.contains(['\\', '^', '_', '{', '='])
}

/// Whether `body` reads like words rather than like a formula.
pub(super) fn is_prose(body: &str) -> bool {
    if has_tex(body) {
        return false;
    }
    if body.starts_with([')', ']', ',', '.', ';', ':', '!', '?', '/', '–', '—'])
        || body.contains(is_east_asian)
    {
        return true;
    }
    let is_word = |word: &str| {
        word.len() > 1 && word.bytes().all(|b| b.is_ascii_alphabetic() || b"'.,;:!?*".contains(&b))
    };
    let words: Vec<bool> = body.split_ascii_whitespace().map(is_word).collect();
    let amount = body.starts_with(|c: char| c.is_ascii_digit()) && words.contains(&true);
    amount || words.windows(2).any(|pair| pair == [true, true]) || !body.contains(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c15_the_text_between_two_prices_is_no_formula() {
        for (before, body, after) in [
            ("R", "12,29/metro), **Loja B** (R", ' '),
            ("", "5-", '1'),
            ("", "20 million for the EU, and revenue was in US", '.'),
            ("", "HOME/", 'U'),
            ("(", ") to (", ')'),
            ("", "到", '元'),
            ("", "this and that", '.'),
        ] {
            assert!(!is_formula(before.chars().next_back(), body, Some(after)), "{body}");
        }
    }

    #[test]
    fn c15_formulas_are_formulas() {
        for (before, body, after) in [
            (" ", "E = mc^2", '.'),
            (" ", "n", 't'),
            ("H", "_2", 'O'),
            ("0", "^{-3}", ' '),
            ("设", "x", '为'),
            ("", "(a, b)", ' '),
            ("", "速度 = \\frac{s}{t}", ' '),
        ] {
            assert!(is_formula(before.chars().next_back(), body, Some(after)), "{body}");
        }
        assert!(is_formula(None, "x", None));
    }
}
