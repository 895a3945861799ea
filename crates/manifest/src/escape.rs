use std::fmt::{self, Display, Write};

/// Shows text that came from outside without letting it act on a terminal.
///
/// Control characters (C0, DEL, C1), bidirectional controls, invisible
/// characters and line separators are written as `\u{…}`; a backslash is
/// doubled, so that the form is unambiguous. Everything else is left alone.
/// A precision is the most characters of the text that are shown.
///
/// ```
/// # use modelseal_manifest::Escaped;
/// assert_eq!(format!("{:.3}", Escaped("abcde")), "abc…");
/// assert_eq!(Escaped("a\u{202e}b\x1b[2J").to_string(), r"a\u{202e}b\u{1b}[2J");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl Escaped<'_> {
    /// Whether `c` is shown as `\u{…}` rather than as itself.
    pub fn is_escaped(c: char) -> bool {
        c.is_control()
            || matches!(c,
                '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
                | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
    }
}

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, c) in self.0.chars().enumerate() {
            match c {
                _ if f.precision() == Some(index) => return f.write_char('…'),
                '\\' => f.write_str(r"\\")?,
                c if Self::is_escaped(c) => write!(f, "{}", c.escape_unicode())?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Escaped;

    #[test]
    fn item_87_terminal_and_bidi_controls_are_escaped() {
        for hostile in
            ["\x1b[31m", "\r", "\n", "\x07", "\u{9b}2J", "\u{202e}", "\u{2066}", "\u{200b}", "\u{feff}"]
        {
            let shown = Escaped(hostile).to_string();
            assert!(shown.starts_with("\\u{"), "{hostile:?} was shown as {shown:?}");
            assert!(shown.chars().all(|c| c.is_ascii_graphic()), "{shown:?}");
        }
    }

    #[test]
    fn ordinary_text_is_untouched() {
        assert_eq!(Escaped("modèle 模型 weights-v1.bin").to_string(), "modèle 模型 weights-v1.bin");
    }

    #[test]
    fn a_backslash_cannot_imitate_an_escape() {
        assert_eq!(Escaped(r"\u{202e}").to_string(), r"\\u{202e}");
    }
}
