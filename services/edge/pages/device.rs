//! What a program calls itself (RFC 9110 §10.1.5), as people call it.

/// Programs by a word of theirs. Many also name those that they are made of, so the order counts.
const PROGRAMS: [(&str, &str); 9] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
/// Systems likewise: an iPhone says that it is like a Mac, and Android that it is a Linux.
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];
/// The longest name that is shown of a program that is none of these, in characters.
const NAME_CHARS_MAX: usize = 40;

/// What to call a device; nothing when its program says nothing.
pub fn name(agent: &str) -> Option<String> {
    let known = |table: &[(&str, &'static str)]| {
        let mut hits = table.iter().filter(|(mark, _)| agent.contains(mark));
        hits.next().map(|(_, name)| *name)
    };
    match (known(&PROGRAMS), known(&SYSTEMS)) {
        (Some(program), Some(system)) => Some(format!("{program}, {system}")),
        (Some(program), None) => Some(program.to_owned()),
        (None, _) => {
            let first = agent.split([' ', '/']).next().unwrap_or_default();
            let first: String = first.chars().take(NAME_CHARS_MAX).collect();
            (!first.is_empty()).then_some(first)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_called_what_people_call_them() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
             Chrome/130.0.0.0 Safari/537.36";
        let edge = format!("{chrome} Edg/130.0").replace("X11; Linux x86_64", "Windows NT 10.0");
        let safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) \
             AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1";
        let cases = [
            (chrome, Some("Chrome, Linux")),
            (&edge, Some("Edge, Windows")),
            (safari, Some("Safari, iPhone")),
            ("curl/8.5.0", Some("curl")),
            ("Firefox/1", Some("Firefox")),
            ("", None),
            ("/x", None),
        ];
        for (agent, wanted) in cases {
            assert_eq!(name(agent).as_deref(), wanted, "{agent}");
        }
        assert_eq!(name(&"x".repeat(200)).map(|name| name.len()), Some(40));
    }
}
