use proptest::prelude::*;

use super::*;

#[test]
fn slugs() {
    for good in ["a", "0", "midaz", "plugin-fees", "a--b", &"a".repeat(63)] {
        assert!(Slug::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "-",
        "-a",
        "a-",
        "A",
        "a_b",
        "ä",
        "a/b",
        "a b",
        "*",
        &"a".repeat(64),
    ] {
        assert!(Slug::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn usernames() {
    let same = [
        ("Ann", "aNN"),
        ("Åsa", "A\u{30a}SA"),
        ("straße", "STRASSE"),
        ("ΣΑΣ", "σας"),
    ];
    for (one, other) in same {
        let (one, other) = (
            Username::parse(one).unwrap(),
            Username::parse(other).unwrap(),
        );
        assert_eq!(one.key(), other.key());
    }
    assert_eq!(Username::parse("A\u{30a}sa").unwrap().as_str(), "Åsa");
    assert!(Username::parse(&"é".repeat(100)).is_ok());
    assert!(
        Username::parse(&"e\u{301}".repeat(100)).is_ok(),
        "counted as it is kept"
    );
    assert_eq!(
        Username::parse(&"é".repeat(101)),
        Err(NameError::TooLong { max: 100 })
    );
    assert_eq!(Username::parse(""), Err(NameError::Empty));
    assert_eq!(Username::parse(" ann"), Err(NameError::Edge));
    assert_eq!(Username::parse("ann\n"), Err(NameError::Character('\n')));
    assert_eq!(
        Username::parse("a\u{202e}nn"),
        Err(NameError::Character('\u{202e}'))
    );
    assert_eq!(
        Username::parse("a\u{200d}nn"),
        Err(NameError::Character('\u{200d}'))
    );
    assert!(
        DisplayName::parse("نگار\u{200c}ها").is_ok(),
        "joiners belong to some scripts"
    );
}

#[test]
fn emails() {
    for good in [
        "a@b",
        "Ann.Smith+tag@Example.COM",
        "ann@sub.example.org",
        "ü@bücher.example",
    ] {
        assert!(Email::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "@",
        "a@",
        "@b",
        "a@b@c",
        "a b@c",
        "a@b c",
        "a@b..c",
        "a@.b",
        "a@-b",
        "a@b\n",
        "<a@b>",
        "a,b@c",
        "a@b;c",
        "a@b,c",
        "a:b@c",
        "(a)@b",
        "\"a\"@b",
        "a\\@b",
        "a@[127.0.0.1]",
    ] {
        assert!(Email::parse(bad).is_err(), "{bad}");
    }
    assert!(Email::parse(&format!("{}@b", "a".repeat(252))).is_ok());
    assert!(Email::parse(&format!("{}@b", "a".repeat(253))).is_err());
    assert_eq!(Email::parse("Ann@B.c").unwrap().key(), "ann@b.c");
}

#[test]
fn group_and_role_names() {
    assert!(GroupName::parse("midaz-viewer-group").is_ok());
    assert_eq!(GroupName::parse("a/b"), Err(NameError::Character('/')));
    for id in [
        "01890a5d-ac96-774b-bcce-b302099a8057",
        "01890a5dac96774bbcceb302099a8057",
    ] {
        assert_eq!(GroupName::parse(id), Err(NameError::LooksLikeId));
        assert_eq!(
            RoleName::parse(&id.to_uppercase()),
            Err(NameError::LooksLikeId)
        );
        assert!(Username::parse(id).is_ok());
    }
}

#[test]
fn parts() {
    assert_eq!(check_part("accounts"), Ok(()));
    assert_eq!(check_part("*"), Err(NameError::Wildcard));
    assert_eq!(check_pattern("*"), Ok(()));
    for bad in ["", "a/b", "a:b", "a b", "a*", "**", "a\0", &"a".repeat(101)] {
        assert!(
            check_part(bad).is_err() && check_pattern(bad).is_err(),
            "{bad}"
        );
    }
}

proptest! {
    #[test]
    fn never_panics_and_has_one_spelling(text in "\\PC{0,20}|.{0,300}") {
        let names = [
            Slug::parse(&text).map(Slug::into_string),
            Username::parse(&text).map(Username::into_string),
            GroupName::parse(&text).map(GroupName::into_string),
            DisplayName::parse(&text).map(DisplayName::into_string),
        ];
        for name in names.into_iter().flatten() {
            let again = DisplayName::parse(&name).map(DisplayName::into_string);
            prop_assert_eq!(again, Ok(name.clone()));
            prop_assert!(name.chars().count() <= 100);
        }
        let _ = (Email::parse(&text), check_part(&text), check_pattern(&text));
        prop_assert_eq!(key(&key(&text)), key(&text));
    }

    #[test]
    fn case_and_composition_do_not_matter(text in "\\PC{0,20}") {
        use unicode_normalization::UnicodeNormalization;
        prop_assert_eq!(key(&text.nfd().collect::<String>()), key(&text));
    }
}

#[test]
fn every_cased_character_has_a_stable_key() {
    let ranges = [
        0..0x3000,
        0xa640..0xac00,
        0xfb00..0xfb20,
        0xff00..0xff60,
        0x10400..0x10600,
    ];
    for character in ranges.into_iter().flatten().filter_map(char::from_u32) {
        let text = character.to_string();
        assert_eq!(key(&key(&text)), key(&text), "{character:?}");
        assert_eq!(key(&text.to_lowercase()), key(&text), "{character:?}");
        assert_eq!(key(&text.to_uppercase()), key(&text), "{character:?}");
    }
}
