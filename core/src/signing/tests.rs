//! A line of keys lives through whatever is done to it, and whoever looks on finds no fault.

use proptest::prelude::*;

use super::*;

const NOTICE_S: i64 = 303;
/// Tokens are good for an hour, and may be signed two minutes after their key's turn.
const TOKEN_S: i64 = 3_600;
const LATE_S: i64 = 120;
const AGE_MAX_S: i64 = 86_400;

/// What may happen to a line.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Time goes by.
    Wait(i64),
    /// Housekeeping looks after it.
    Keep,
    /// Somebody asks for the next key.
    Rotate,
    /// Somebody asks for another key at once: the present ones are known to a thief.
    Replace,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..900_i64).prop_map(Step::Wait),
        2 => (900..100_000_i64).prop_map(Step::Wait),
        4 => Just(Step::Keep),
        2 => Just(Step::Rotate),
        1 => Just(Step::Replace),
    ]
}

/// The keys of one algorithm, each with its number, and every token that was signed.
struct House {
    now_s: i64,
    made: usize,
    line: Vec<(usize, Turn)>,
    /// Number of the key, and the second at which the token expires.
    tokens: Vec<(usize, i64)>,
    /// When each key was published.
    published_s: Vec<i64>,
    /// Keys below this number were taken away at once.
    withdrawn: usize,
}

impl House {
    fn new(now_s: i64) -> Self {
        let mut house = Self {
            now_s,
            made: 0,
            line: Vec::new(),
            tokens: Vec::new(),
            published_s: Vec::new(),
            withdrawn: 0,
        };
        house.rotate();
        house
    }

    fn turns(&self) -> Vec<Turn> {
        self.line.iter().map(|(_, turn)| *turn).collect()
    }

    fn go(&mut self, step: Step) {
        match step {
            Step::Wait(seconds) => self.now_s += seconds,
            Step::Keep => self.keep(),
            Step::Rotate => self.rotate(),
            Step::Replace => {
                self.line.clear();
                self.withdrawn = self.made;
                self.rotate();
            }
        }
        // A request may be as old as this when its token is signed.
        for asked_s in [self.now_s, self.now_s - LATE_S] {
            let number = self.signer(asked_s);
            self.tokens.push((number, asked_s + TOKEN_S));
        }
    }

    fn keep(&mut self) {
        if is_due(&self.turns(), self.now_s, Some(AGE_MAX_S)) {
            self.rotate();
        }
        let now_s = self.now_s;
        self.line
            .retain(|(_, turn)| !turn.is_spent(now_s, TOKEN_S + LATE_S));
    }

    fn rotate(&mut self) {
        let from_s = match joins(&self.turns(), self.now_s, NOTICE_S) {
            Joins::Not => return,
            Joins::AtOnce => None,
            Joins::From(from_s) => Some(from_s),
        };
        for (_, turn) in &mut self.line {
            turn.until_s = turn.until_s.or(from_s);
        }
        let turn = Turn {
            made_s: self.now_s,
            from_s,
            until_s: None,
        };
        self.line.push((self.made, turn));
        self.published_s.push(self.now_s);
        self.made += 1;
    }

    /// The one key that signs at that second.
    fn signer(&self, at_s: i64) -> usize {
        let signing = |(_, turn): &&(usize, Turn)| turn.stage(at_s) == Stage::Signing;
        let mut signing = self.line.iter().filter(signing);
        let (number, _) = signing.next().expect("a key that signs");
        assert!(signing.next().is_none(), "one key signs at {at_s}");
        *number
    }

    fn check(&self) {
        // From the oldest request that may still be under way, at each change, to the end of time.
        let changes = self.line.iter().flat_map(|(_, turn)| {
            let moments = [turn.from_s, turn.until_s, Some(turn.made_s)];
            moments.into_iter().flatten()
        });
        let near = changes.flat_map(|moment| [moment - 1, moment, moment + 1]);
        let oldest = self.now_s - LATE_S;
        let moments = near.chain([oldest, self.now_s, i64::MAX]);
        for moment in moments.filter(|moment| *moment >= oldest) {
            self.signer(moment);
        }
        let signer = self.signer(self.now_s);
        if signer > self.withdrawn {
            assert!(self.now_s >= self.published_s[signer] + NOTICE_S);
        }
        for (number, expires_s) in &self.tokens {
            if *expires_s > self.now_s && *number >= self.withdrawn {
                let is_there = self.line.iter().any(|(other, _)| other == number);
                assert!(is_there, "a token of key {number} is good, the key is gone");
            }
        }
        for (number, _) in &self.line {
            assert!(*number >= self.withdrawn, "a key that was taken away");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn at_each_moment_one_key_signs_and_what_it_signed_is_provable(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut house = House::new(1_700_000_000);
        house.check();
        for step in steps {
            house.go(step);
            house.check();
        }
    }

    #[test]
    fn what_is_kept_after_does_not_grow(rounds in 2..40_usize) {
        let mut house = House::new(1_700_000_000);
        for _ in 0..rounds {
            house.go(Step::Wait(NOTICE_S + AGE_MAX_S));
            house.go(Step::Keep);
            house.go(Step::Keep);
            prop_assert!(house.line.len() <= 2, "{:?}", house.line);
        }
        prop_assert_eq!(house.made, 1 + rounds, "one each time");
    }
}

#[test]
fn a_key_goes_through_its_stages() {
    let turn = Turn {
        made_s: 100,
        from_s: Some(400),
        until_s: Some(1_000),
    };
    let stages = [99, 399, 400, 999, 1_000].map(|now_s| turn.stage(now_s));
    let expected = [
        Stage::Upcoming,
        Stage::Upcoming,
        Stage::Signing,
        Stage::Signing,
        Stage::Retired,
    ];
    assert_eq!(stages, expected);
    assert_eq!(turn.signs_from_s(), 400);
    assert_eq!(turn.proves_until_s(50), Some(1_050));
    assert!(!turn.is_spent(1_049, 50) && turn.is_spent(1_050, 50));
}

#[test]
fn a_key_from_before_turns_signs_and_gets_old() {
    let first = Turn {
        made_s: 1_000,
        from_s: None,
        until_s: None,
    };
    assert_eq!(first.stage(0), Stage::Signing);
    assert_eq!(first.proves_until_s(50), None);
    assert!(!first.is_spent(i64::MAX, 50));
    assert!(!is_due(&[first], 1_099, Some(100)) && is_due(&[first], 1_100, Some(100)));
    assert!(!is_due(&[first], i64::MAX, None), "never");
    assert!(is_due(&[], 0, None), "something must sign");
    assert_eq!(joins(&[first], 2_000, 300), Joins::From(2_300));
}

#[test]
fn a_rotation_under_way_is_not_begun_again() {
    let first = Turn {
        made_s: 0,
        from_s: None,
        until_s: Some(300),
    };
    let next = Turn {
        made_s: 0,
        from_s: Some(300),
        until_s: None,
    };
    let line = [first, next];
    assert_eq!(joins(&line, 299, 300), Joins::Not);
    assert_eq!(joins(&line, 300, 300), Joins::From(600));
    assert!(!is_due(&line, 299, Some(100)) && is_due(&line, 400, Some(100)));
}
