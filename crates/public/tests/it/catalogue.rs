//! A small catalogue in which every filter finds something and leaves something out.

use crate::support::{App, song};
use domain::composition::{Composition, Direction, Form, RagaEntry};
use domain::id::{CompositionId, DeityId, RagaId, SampradayaId, TagId, TempleId};
use domain::music::Raga;
use domain::music::raga::RagaKind;
use domain::music::scale::{Motion, parse};
use domain::name::Language;
use domain::reference::{
    Deity, ExternalId, Group, GroupKind, GroupMember, Place, Sampradaya, SampradayaKind, Tag, TagCategory,
    Temple,
};
use domain::{EntityRef, Name, Record};
use testkit::fixtures::{self, Refers};
use uuid::Uuid;

/// What a test asks about.
pub struct Catalogue {
    pub refers: Refers,
    /// Of mela 28, by Tyāgarāja.
    pub mohanam: EntityRef,
    pub dikshitar: EntityRef,
    pub group: EntityRef,
    /// In Mohanam, Telugu, with a deity, a temple, a tag and a sampradaya; first of the group.
    pub nanu: EntityRef,
    /// In Mēcakalyāṇi, Sanskrit, by Dīkṣitar; an id of another collection; second of the group.
    pub vatapi: EntityRef,
}

impl Catalogue {
    pub async fn load(app: &App) -> Self {
        let refers = app.refers().await;
        let records = vec![
            fixtures::mela(28),
            fixtures::composer("Muttusvāmi Dīkṣitar"),
            deity("Rāma"),
            temple("Bhadrācalam"),
            tag("Bhakti"),
            sampradaya("Umaiyāḷpuram"),
            place("Tiruvaiyāṟu"),
        ];
        let linked = app.add_all(records).await;
        let mohanam = app.add(janya("Mōhanaṁ", linked[0].id, "S R2 G3 P D2 S")).await;
        let dikshitar = linked[1];
        let songs = vec![
            Record::Composition(nanu(Refers { raga: mohanam.id, ..refers }, &linked)),
            Record::Composition(vatapi(Refers { composer: dikshitar.id, ..refers })),
            Record::Composition(garland(refers, mohanam)),
        ];
        let songs = app.add_all(songs).await;
        let (nanu, vatapi) = (songs[0], songs[1]);
        let group = app.add(group("Ghana", Some(refers.composer), &[nanu.id, vatapi.id])).await;
        Self { refers, mohanam, dikshitar, group, nanu, vatapi }
    }
}

fn nanu(refers: Refers, linked: &[EntityRef]) -> Composition {
    let mut nanu = song("Nanu pālimpa", refers);
    nanu.languages = vec![Language::Te];
    nanu.deities = vec![DeityId(linked[2].id)];
    nanu.temples = vec![TempleId(linked[3].id)];
    nanu.tags = vec![TagId(linked[4].id)];
    nanu.versions[0].sampradaya = Some(SampradayaId(linked[5].id));
    nanu
}

fn vatapi(refers: Refers) -> Composition {
    let mut vatapi = song("Vātāpi gaṇapatiṁ", refers);
    vatapi.external_ids = vec![ExternalId { scheme: "catalogue".into(), id: "t0002".into() }];
    vatapi
}

/// In Mohanam, then in Mēcakalyāṇi; a varnam.
fn garland(refers: Refers, mohanam: EntityRef) -> Composition {
    let mut garland = song("Valaci vacci", refers);
    garland.form = Form::VarnamTana;
    garland.versions[0].ragas = vec![entry(mohanam.id), entry(refers.raga)];
    garland
}

pub fn entry(raga: Uuid) -> RagaEntry {
    RagaEntry { raga: RagaId(raga), section: None, direction: Direction::Forward }
}

/// A raga that goes down as it came up.
pub fn janya(name: &str, parent: Uuid, scale: &str) -> Record {
    let arohana = parse(scale, Motion::Arohana).expect("a scale");
    let down: Vec<&str> = scale.split(' ').rev().collect();
    let avarohana = parse(&down.join(" "), Motion::Avarohana).expect("a scale");
    let raga = Raga::named(Name::display(name), RagaKind::Janya);
    Record::Raga(Raga { parent: Some(RagaId(parent)), arohana, avarohana, ..raga })
}

/// The 72, in order.
pub async fn melas(app: &App) -> Vec<EntityRef> {
    app.add_all((1..=72).map(fixtures::mela).collect()).await
}

pub fn group(name: &str, composer: Option<Uuid>, members: &[Uuid]) -> Record {
    let member = |id: &Uuid| GroupMember { composition: CompositionId(*id), label: None };
    Record::Group(Group {
        names: vec![Name::display(name)],
        kind: GroupKind::Other,
        composer: composer.map(domain::id::ComposerId),
        members: members.iter().map(member).collect(),
        note: None,
        sources: Vec::new(),
        external_ids: Vec::new(),
    })
}

/// A record that has nothing but a name and one field of its kind.
macro_rules! named {
    ($($function:ident => $kind:ident { $($field:ident: $value:expr),* };)*) => {$(
        pub fn $function(name: &str) -> Record {
            Record::$kind($kind {
                names: vec![Name::display(name)],
                $($field: $value,)*
                note: None,
                sources: Vec::new(),
                external_ids: Vec::new(),
            })
        }
    )*};
}

named! {
    deity => Deity { form_of: None };
    temple => Temple { place: None, location: None, deities: Vec::new() };
    place => Place { district: None, state: None, country: None };
    tag => Tag { category: TagCategory::Theme };
    sampradaya => Sampradaya { kind: SampradayaKind::School };
}
