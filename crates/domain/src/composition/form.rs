//! Forms, and the section rules of each.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The form of a song. Ragamalika is an attribute, not a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    Kriti,
    Kirtana,
    VarnamTana,
    VarnamPada,
    VarnamDaru,
    Swarajati,
    Jatisvaram,
    Padam,
    Javali,
    Tillana,
    Geetham,
    LakshanaGeetham,
    Divyanama,
    UtsavaSampradaya,
    Namavali,
    Devaranama,
    Ugabhoga,
    Thiruppugazh,
    Thevaram,
    Ashtapadi,
    Tarangam,
    Viruttam,
    Sloka,
    Daru,
    KavadiChindu,
    Kilikkanni,
    Bhajan,
    Lali,
    Mangalam,
    Other,
}
