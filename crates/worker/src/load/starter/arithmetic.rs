//! What follows from the arithmetic of the music: 72 melas and 35 suladi talas.

use super::{external, mela_key};
use crate::load::names;
use crate::load::plan::provisional;
use domain::id::TalaId;
use domain::music::melakarta;
use domain::music::raga::{Raga, RagaKind, Tradition};
use domain::music::tala::{Jati, Suladi, Tala, TalaKind, TalaSetting, chapu_groups};
use domain::name::AliasScheme;
use domain::reference::{ExternalId, SourceNote};
use domain::{EntityKind, Record};
use std::collections::HashMap;

/// Every record, with its identity.
pub fn records() -> Vec<(ExternalId, Record)> {
    let melas = melas();
    let talas = Suladi::ALL.into_iter().flat_map(|suladi| Jati::ALL.map(|jati| suladi_tala(suladi, jati)));
    melas.chain(talas).collect()
}

/// The 72 melas in order.
pub fn melas() -> impl Iterator<Item = (ExternalId, Record)> {
    (1..=melakarta::MELAS).filter_map(mela)
}

/// The chapu tala of this jati (chatusra has none and gives a tala of four).
pub fn chapu(jati: Jati) -> (ExternalId, Record) {
    let identity = external(EntityKind::Tala, &format!("{}-chapu", jati.as_str()));
    let groups = chapu_groups(jati).unwrap_or(&[2, 2]).to_vec();
    let record = Tala {
        names: names::of_iso(&format!("{} cāpu", jati_iso(jati)), None),
        kind: TalaKind::Chapu,
        jati: None,
        angas: Vec::new(),
        beats: groups.iter().sum(),
        groups,
        note: None,
        sources: vec![SourceNote { source: None, note: "Groups in their common division.".to_owned() }],
        external_ids: vec![identity.clone()],
    };
    (identity, Record::Tala(record))
}

/// The mela of this number under its full name.
fn mela(number: u8) -> Option<(ExternalId, Record)> {
    let identity = external(EntityKind::Raga, &mela_key(number)?);
    let record = Raga {
        names: names::of_iso(melakarta::name(number)?, None),
        kind: RagaKind::Mela,
        mela_number: Some(number),
        parent: None,
        arohana: melakarta::arohana(number)?,
        avarohana: melakarta::avarohana(number)?,
        anya_swaras: Vec::new(),
        tradition: Tradition::Carnatic,
        note: None,
        sources: vec![SourceNote { source: None, note: "Follows from the melakarta arithmetic.".to_owned() }],
        external_ids: vec![identity.clone()],
    };
    Some((identity, Record::Raga(record)))
}

/// The suladi tala of this family and jati under its full name.
pub fn suladi_tala(suladi: Suladi, jati: Jati) -> (ExternalId, Record) {
    let identity = external(EntityKind::Tala, &suladi_key(suladi, jati));
    let mut tala = suladi.tala(jati);
    let display = tala.names.first().map(|name| name.text.clone()).unwrap_or_default();
    let (jati_iso, family_iso) = (jati_iso(jati), suladi_iso(suladi));
    tala.names = names::of_iso(&format!("{jati_iso} {family_iso}"), Some(&display));
    let with_jati = format!("{jati_iso} jāti {family_iso}");
    tala.names.push(names::alias(&with_jati, AliasScheme::SpellingVariant));
    tala.sources = vec![SourceNote { source: None, note: "Follows from the suladi arithmetic.".to_owned() }];
    tala.external_ids = vec![identity.clone()];
    (identity, Record::Tala(tala))
}

/// The plain settings of all 35 talas, by key.
pub fn settings() -> HashMap<String, TalaSetting> {
    let pairs = Suladi::ALL.into_iter().flat_map(|suladi| Jati::ALL.map(|jati| suladi_key(suladi, jati)));
    pairs
        .map(|key| {
            let id = TalaId(provisional(&external(EntityKind::Tala, &key)));
            (key, TalaSetting::plain(id))
        })
        .collect()
}

/// The key of a suladi tala: `chatusra-triputa`.
pub fn suladi_key(suladi: Suladi, jati: Jati) -> String {
    format!("{}-{}", jati.as_str(), suladi.as_str().to_ascii_lowercase())
}

/// The family with this lower-case name.
pub fn suladi_of(name: &str) -> Option<Suladi> {
    Suladi::ALL.into_iter().find(|suladi| suladi.as_str().to_ascii_lowercase() == name)
}

const fn jati_iso(jati: Jati) -> &'static str {
    match jati {
        Jati::Tisra => "tiśra",
        Jati::Chatusra => "caturaśra",
        Jati::Khanda => "khaṇḍa",
        Jati::Misra => "miśra",
        Jati::Sankirna => "saṅkīrṇa",
    }
}

const fn suladi_iso(suladi: Suladi) -> &'static str {
    match suladi {
        Suladi::Dhruva => "dhruva",
        Suladi::Matya => "maṭhya",
        Suladi::Rupaka => "rūpaka",
        Suladi::Jhampa => "jhampa",
        Suladi::Triputa => "tripuṭa",
        Suladi::Ata => "aṭa",
        Suladi::Eka => "ēka",
    }
}
