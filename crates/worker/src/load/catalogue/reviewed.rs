//! Names that the project has reviewed itself, for composers, ragas and talas that only a table names.
//!
//! People ask for Annamacharya as Annamayya and for Hindolam as Malkauns, whichever collection a song came
//! from. The lists are those of the starter catalogue, compiled in: a record made from a table takes them
//! where it has the name of one reviewed record alone, and a record of the starter catalogue has them already.

use super::ragas::is_own;
use crate::load::names::push_new;
use crate::load::starter;
use domain::music::Raga;
use domain::name::{AliasScheme, NameRole};
use domain::reference::ExternalId;
use domain::{EntityKind, Name, Record};
use lipi::Script;
use std::sync::LazyLock;

const COMPOSERS: &str = include_str!("../../../../../catalogue/composers.toml");
const RAGAS: &str = include_str!("../../../../../catalogue/ragas.toml");
const MELAS: &str = include_str!("../../../../../catalogue/melas.toml");
const TALAS: &str = include_str!("../../../../../catalogue/talas.toml");

static REVIEWED: LazyLock<Reviewed> = LazyLock::new(|| Reviewed {
    composers: starter::records(EntityKind::Composer, COMPOSERS),
    ragas: starter::records(EntityKind::Raga, RAGAS),
    computed: [starter::records(EntityKind::Raga, MELAS), starter::records(EntityKind::Tala, TALAS)].concat(),
});

struct Reviewed {
    composers: Vec<Record>,
    ragas: Vec<Record>,
    /// Melas and talas, which arithmetic makes under the same identities.
    computed: Vec<Record>,
}

/// The names of a mela or a tala of this identity, where it has reviewed ones: Adi for catusra triputa.
pub(super) fn computed(identity: &ExternalId) -> Option<Vec<Name>> {
    let found = REVIEWED.computed.iter().find(|known| known.external_ids().contains(identity))?;
    Some(found.names().to_vec())
}

/// Adds what else the composer `name` is called, where one reviewed composer alone is called so.
pub(super) fn add_composer(names: &mut Vec<Name>, name: &str) {
    let key = lipi::k1_joined(name);
    let called = |known: &&Record| {
        let of = |name: &Name| name.role != NameRole::Signature && lipi::k1_joined(&name.text) == key;
        known.names().iter().any(of)
    };
    add(names, REVIEWED.composers.iter().filter(called));
}

/// The same of a raga, whose parent must agree.
pub(super) fn add_raga(names: &mut Vec<Name>, name: &str, parent: Option<u8>) {
    let key = lipi::raga_key(name);
    let called = |known: &&Record| {
        let of = |name: &Name| is_own(name) && name.key(EntityKind::Raga) == key;
        matches!(known, Record::Raga(raga) if has_parent(raga, parent)) && known.names().iter().any(of)
    };
    add(names, REVIEWED.ragas.iter().filter(called));
}

fn has_parent(raga: &Raga, parent: Option<u8>) -> bool {
    let wanted = parent.and_then(starter::mela_id);
    raga.parent.map(|id| id.0) == wanted
}

/// The names of the only one of `found`; a second shown name in a script becomes an alias.
fn add<'a>(names: &mut Vec<Name>, mut found: impl Iterator<Item = &'a Record>) {
    let (Some(only), None) = (found.next(), found.next()) else { return };
    for name in only.names() {
        let is_shown = |script: Script| {
            names.iter().any(|known| known.role == NameRole::Display && known.script == script)
        };
        let name = match name.role {
            NameRole::Display if is_shown(name.script) => Name {
                role: NameRole::Alias,
                alias_scheme: Some(AliasScheme::SpellingVariant),
                homonym_ok: false,
                disambiguator: None,
                ..name.clone()
            },
            _ => name.clone(),
        };
        push_new(names, name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::names::latin;

    fn texts(names: &[Name]) -> Vec<&str> {
        names.iter().map(|name| name.text.as_str()).collect()
    }

    #[test]
    fn a_composer_of_a_table_takes_the_reviewed_names() {
        let mut names = vec![latin("Annamacharya")];
        add_composer(&mut names, "Annamacharya");
        assert!(texts(&names).contains(&"Annamayya"), "{:?}", texts(&names));
        let shown =
            names.iter().filter(|name| name.role == NameRole::Display && name.script == Script::Latin);
        assert_eq!(shown.count(), 1);
        let mut unknown = vec![latin("Nobody At All")];
        add_composer(&mut unknown, "Nobody At All");
        assert_eq!(texts(&unknown), ["Nobody At All"]);
    }

    #[test]
    fn a_raga_takes_them_where_its_parent_agrees() {
        let mut names = vec![latin("Hindola")];
        add_raga(&mut names, "Hindola", Some(20));
        assert!(texts(&names).contains(&"Malkauns"), "{:?}", texts(&names));
        let mut other = vec![latin("Hindola")];
        add_raga(&mut other, "Hindola", Some(65));
        assert_eq!(texts(&other), ["Hindola"]);
    }

    #[test]
    fn what_arithmetic_makes_has_the_name_that_concerts_use() {
        let identity = starter::external(EntityKind::Tala, "chatusra-triputa");
        let names = computed(&identity).unwrap();
        assert!(texts(&names).contains(&"Adi") && texts(&names).iter().any(|text| text.contains("riputa")));
        assert!(computed(&starter::external(EntityKind::Tala, "tisra-ata")).is_none());
    }

    #[test]
    fn a_signature_is_no_name_to_be_recognised_by() {
        let mut names = vec![latin("Guruguha")];
        add_composer(&mut names, "Guruguha");
        assert_eq!(texts(&names), ["Guruguha"]);
    }
}
