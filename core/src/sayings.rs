//! What the roles say of a permission, found out once for everybody who asks for it.
//!
//! Who speaks of a question depends on the roles of the installation and of the organization, and
//! on which of them anybody holds; not on who asks. So the first decision on a declared permission
//! keeps what it found, in sixteen bytes beside the organization's snapshot, and the next ones only
//! look at what the subject holds. Nothing that is kept here changes any answer, and whatever could
//! change what is kept makes a new [`Sayings`]: a role or a seat of the organization with the
//! snapshot that brings it, anything of the installation by its [`Speech`].

use std::sync::{Arc, OnceLock};

use crate::role::Effects;
use crate::seats::RoleSet;

/// Bits of roles that one of these can name.
const BITS_MAX: usize = 12;
/// Editions of the installation that are kept beside one edition of an organization. Past these
/// nothing is kept until the organization changes.
const EDITIONS_MAX: usize = 8;

/// What all roles of an installation and their products are: the same while they are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Speech(Arc<()>);

impl Speech {
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Which roles allow or deny a permission, by the bits of their seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Said {
    /// What everybody's roles say.
    pub(crate) everyone: Effects,
    allowing: u8,
    denying: u8,
    /// Those that allow, then those that deny.
    bits: [u8; BITS_MAX],
    /// Whether there are more roles than can be named here; then none is.
    pub(crate) is_more: bool,
}

impl Said {
    /// In few words, if they are enough.
    pub(crate) fn new(everyone: Effects, allows: RoleSet, denies: RoleSet) -> Self {
        let mut bits = [0; BITS_MAX];
        let mut places = bits.iter_mut();
        for bit in allows.bits().chain(denies.bits()) {
            match places.next() {
                Some(place) => *place = bit,
                None => return Self::more(everyone),
            }
        }
        Self {
            everyone,
            allowing: count(allows),
            denying: count(denies),
            bits,
            is_more: false,
        }
    }

    /// That there are too many.
    pub(crate) const fn more(everyone: Effects) -> Self {
        Self {
            everyone,
            allowing: 0,
            denying: 0,
            bits: [0; BITS_MAX],
            is_more: true,
        }
    }

    /// Of the roles that are held, those that allow.
    pub(crate) fn allows(&self, held: &RoleSet) -> RoleSet {
        held.only(self.bits.iter().take(self.allowing.into()))
    }

    /// Of the roles that are held, those that deny.
    pub(crate) fn denies(&self, held: &RoleSet) -> RoleSet {
        let denying = self.bits.iter().skip(self.allowing.into());
        held.only(denying.take(self.denying.into()))
    }
}

fn count(set: RoleSet) -> u8 {
    u8::try_from(set.bits().count()).unwrap_or(u8::MAX)
}

/// What is kept of one product: a place for each permission that it declares.
type Kept = Box<[OnceLock<Said>]>;

/// What was found out of an organization, beside one installation.
#[derive(Debug)]
struct Edition {
    speech: Speech,
    /// By the number of the product.
    products: Box<[OnceLock<Kept>]>,
    /// Beside the installation as it was next.
    next: Next,
}

type Next = OnceLock<Box<Edition>>;

/// Where a permission is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// How many products there are.
    pub(crate) products: usize,
    /// The number of the product.
    pub(crate) product: u32,
    /// How many permissions that declares.
    pub(crate) permissions: usize,
    /// The number of the permission.
    pub(crate) permission: u32,
}

/// What was found out so far; shared by all snapshots for which it is true.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sayings(Arc<Next>);

impl Sayings {
    /// What is said of a permission: as it was found once, or as it is found now.
    pub(crate) fn get(&self, speech: &Speech, place: Place, find: impl FnOnce() -> Said) -> Said {
        let Some(kept) = self.place(speech, place) else {
            return find();
        };
        if let Some(said) = kept.get() {
            return *said;
        }
        let said = find();
        // Who found it at the same time found the same.
        let _ = kept.set(said);
        said
    }

    fn place(&self, speech: &Speech, place: Place) -> Option<&OnceLock<Said>> {
        let edition = self.edition(speech, place.products)?;
        let product = edition.products.get(place.product as usize)?;
        let kept =
            product.get_or_init(|| (0..place.permissions).map(|_| OnceLock::new()).collect());
        kept.get(place.permission as usize)
    }

    fn edition(&self, speech: &Speech, products: usize) -> Option<&Edition> {
        let mut next = &*self.0;
        for _ in 0..EDITIONS_MAX {
            let edition = next.get_or_init(|| Box::new(Edition::new(speech, products)));
            if edition.speech.is(speech) {
                return Some(edition);
            }
            next = &edition.next;
        }
        None
    }

    fn editions(&self) -> impl Iterator<Item = &Edition> {
        let first = self.0.get().map(AsRef::as_ref);
        std::iter::successors(first, |edition: &&Edition| {
            edition.next.get().map(AsRef::as_ref)
        })
    }

    /// Whether it is beside more than one installation, of which only the last can matter.
    pub(crate) fn is_worn(&self) -> bool {
        self.editions().nth(1).is_some()
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        let kept = |product: &OnceLock<Kept>| product.get().map_or(0, |kept| size_of_val(&**kept));
        self.editions()
            .map(|edition| {
                let products: usize = edition.products.iter().map(kept).sum();
                size_of::<Edition>() + size_of_val(&*edition.products) + products
            })
            .sum()
    }
}

impl Edition {
    fn new(speech: &Speech, products: usize) -> Self {
        Self {
            speech: speech.clone(),
            products: (0..products).map(|_| OnceLock::new()).collect(),
            next: OnceLock::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place {
        products: 2,
        product: 1,
        permissions: 3,
        permission: 2,
    };

    fn set(bits: &[u32]) -> RoleSet {
        bits.iter().copied().collect()
    }

    fn said(bit: u32) -> Said {
        Said::new(Effects::default(), set(&[bit]), set(&[]))
    }

    #[test]
    fn few_roles_are_named() {
        let (allows, denies) = (set(&[3, 200, 255]), set(&[3, 7]));
        let said = Said::new(Effects::ALLOW, allows, denies);
        assert!(!said.is_more && said.everyone.allows());
        let held = set(&[3, 4, 7, 255]);
        assert_eq!(said.allows(&held), set(&[3, 255]));
        assert_eq!(said.denies(&held), set(&[3, 7]));
        assert_eq!(size_of::<Said>(), 16);
    }

    #[test]
    fn many_are_not() {
        let many: Vec<u32> = (0..13).collect();
        for said in [
            Said::new(Effects::default(), set(&many), set(&[])),
            Said::new(Effects::default(), set(&many[..7]), set(&many[..6])),
        ] {
            assert!(said.is_more);
            assert!(said.allows(&set(&many)).is_empty());
        }
        let enough = Said::new(Effects::default(), set(&many[..6]), set(&many[..6]));
        assert!(!enough.is_more);
    }

    #[test]
    fn each_installation_is_found_out_once() {
        let (sayings, first) = (Sayings::default(), Speech::default());
        assert_eq!(sayings.get(&first, PLACE, || said(1)), said(1));
        assert_eq!(sayings.get(&first, PLACE, || said(2)), said(1));
        assert_eq!(sayings.clone().get(&first, PLACE, || said(2)), said(1));
        assert!(!sayings.is_worn());
        let second = Speech::default();
        assert_eq!(sayings.get(&second, PLACE, || said(2)), said(2));
        assert_eq!(sayings.get(&first, PLACE, || said(3)), said(1));
        assert!(sayings.is_worn() && sayings.bytes() > 2 * 3 * 16);
    }

    #[test]
    fn what_has_no_place_is_found_each_time() {
        let sayings = Sayings::default();
        for number in 0..20 {
            let speech = Speech::default();
            assert_eq!(sayings.get(&speech, PLACE, || said(number)), said(number));
        }
        assert_eq!(sayings.editions().count(), EDITIONS_MAX);
        let (sayings, speech) = (Sayings::default(), Speech::default());
        let nowhere = Place {
            permission: 3,
            ..PLACE
        };
        assert_eq!(sayings.get(&speech, nowhere, || said(1)), said(1));
        assert_eq!(sayings.get(&speech, nowhere, || said(2)), said(2));
    }
}
