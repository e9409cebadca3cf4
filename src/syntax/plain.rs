//! Turns words into names: the nearest letters that names are made of.

/// Letters outside ASCII and how they are written with its letters.
const LETTERS: &[(&str, &str)] = &[
    ("äæ", "ae"),
    ("öœ", "oe"),
    ("ü", "ue"),
    ("ß", "ss"),
    ("àáâãåāăą", "a"),
    ("çćčĉ", "c"),
    ("ďđð", "d"),
    ("èéêëēęě", "e"),
    ("ğĝ", "g"),
    ("ìíîïīıİ", "i"),
    ("łľĺ", "l"),
    ("ñńňņ", "n"),
    ("òóôõøőō", "o"),
    ("řŕ", "r"),
    ("śšşș", "s"),
    ("ťţț", "t"),
    ("þ", "th"),
    ("ùúûűůū", "u"),
    ("ýÿ", "y"),
    ("źżž", "z"),
];

/// A name with the letters of a word: `groesse` for `größe`. Never empty.
pub(crate) fn letters(word: &str) -> String {
    let mut name = String::new();
    for c in word.chars() {
        let lower = c.to_lowercase().next().unwrap_or(c);
        let listed = LETTERS.iter().find(|(from, _)| from.contains(c) || from.contains(lower));
        if c.is_ascii_alphanumeric() || matches!(c, 'α'..='ω' | 'Α'..='Ω') {
            name.push(c);
        } else if let Some((_, ascii)) = listed {
            let capital = if c.is_uppercase() { 1 } else { 0 };
            name.push_str(&ascii[..capital].to_uppercase());
            name.push_str(&ascii[capital..]);
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    name.truncate(name.trim_end_matches('_').len());
    if name.starts_with(char::is_alphabetic) { name } else { format!("x{name}") }
}

#[cfg(test)]
mod tests {
    use super::letters;

    #[test]
    fn a_word_keeps_its_letters_as_far_as_names_have_them() {
        for (word, name) in [
            ("größe", "groesse"),
            ("Größe", "Groesse"),
            ("Élan vital", "Elan_vital"),
            ("µ", "x"),
            ("身長", "x"),
            ("2nd dose", "x2nd_dose"),
            ("σ_y", "σ_y"),
        ] {
            assert_eq!(letters(word), name);
        }
    }
}
