//! How the files spell talas, languages and forms, and what is meant.

use domain::composition::Form;
use domain::music::tala::{Jati, Suladi};
use domain::name::Language;

/// A tala as the files mean it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TalaFact {
    Suladi(Suladi, Jati),
    Chapu(Jati),
    /// Adi that begins one and a half beats after samam.
    Desadi,
    /// Adi with an offset that accounts differ on.
    Madhyadi,
}

/// The tala that `text` names.
pub fn tala(text: &str) -> Option<TalaFact> {
    use Jati::{Chatusra, Khanda, Misra, Sankirna, Tisra};
    use Suladi::{Ata, Dhruva, Eka, Jhampa, Rupaka, Triputa};
    use TalaFact::{Chapu, Suladi as Of};
    Some(match text.to_ascii_lowercase().as_str() {
        "aadi" | "catushra triputa" => Of(Triputa, Chatusra),
        "deshaadi" | "deshadi" => TalaFact::Desadi,
        "madhyaadi" => TalaFact::Madhyadi,
        "roopakam" | "catushra roopakam" => Of(Rupaka, Chatusra),
        "tishra roopakam" => Of(Rupaka, Tisra),
        "sankeerna jaati roopakam" => Of(Rupaka, Sankirna),
        "caapu" | "capu" | "caap" | "mishra caapu" | "mishra capu" => Chapu(Misra),
        "khanda caapu" => Chapu(Khanda),
        "tishra caapu" => Chapu(Tisra),
        "sankeerna caapu" => Chapu(Sankirna),
        "triputa" | "tishra triputa" => Of(Triputa, Tisra),
        "khanda jaati triputa" => Of(Triputa, Khanda),
        "jhampa" | "mishra jhampa" => Of(Jhampa, Misra),
        "khanda jhampa" => Of(Jhampa, Khanda),
        "catushra jhampa" => Of(Jhampa, Chatusra),
        "ata" | "khanda ata" | "khanda jaati ata" => Of(Ata, Khanda),
        "chatushra jaati ata" => Of(Ata, Chatusra),
        "eka" | "catushra eka" | "chatusra eka" => Of(Eka, Chatusra),
        "tishra eka" | "tishra jaati eka" | "tishra laghu eka" | "tishra laghu" => Of(Eka, Tisra),
        "mishra eka" => Of(Eka, Misra),
        "dhruva" | "catushra dhruva" | "catushra jati dhruvam" | "chatushra druvam" => Of(Dhruva, Chatusra),
        _ => return None,
    })
}

/// The language that `text` names.
pub fn language(text: &str) -> Option<Language> {
    Some(match text.to_ascii_lowercase().as_str() {
        "telugu" => Language::Te,
        "tamil" => Language::Ta,
        "sanskrit" => Language::Sa,
        "kannada" => Language::Kn,
        "malayaalam" | "malayalam" => Language::Ml,
        "hindi" => Language::Hi,
        _ => return None,
    })
}

/// The language in which a composer wrote, for composers of whom the files name none.
pub fn language_of_composer(composer: &str) -> Option<Language> {
    Some(match composer {
        "Tiruvottiyur Tyagayya" | "Veena Kuppayyar" => Language::Te,
        "Adi Shankara" => Language::Sa,
        "Kamalesa Vitthala" => Language::Kn,
        _ => return None,
    })
}

/// The form that `text` names.
pub fn form(text: &str) -> Option<Form> {
    let text = text.to_ascii_lowercase();
    if text.starts_with("ashtapadi") || text.starts_with("ashhtapadi") {
        return Some(Form::Ashtapadi);
    }
    Some(match text.as_str() {
        "bhajan" => Form::Bhajan,
        // Said without its kind, a varnam is a tana varnam.
        "varnam" | "varna" | "taana varnam" => Form::VarnamTana,
        "pada varnam" | "padavarnam" => Form::VarnamPada,
        "daru varnam" => Form::VarnamDaru,
        "geetam" => Form::Geetham,
        "jaavali" | "javali" => Form::Javali,
        "tillaanaa" | "tillana" | "taana tillaanaa" => Form::Tillana,
        "padam" => Form::Padam,
        "swarajati" | "svarajati" => Form::Swarajati,
        "jatiswaram" => Form::Jatisvaram,
        "tiruppugazh" => Form::Thiruppugazh,
        "laali" => Form::Lali,
        "periya puraana keertanai" => Form::Kirtana,
        "kilikkanni" => Form::Kilikkanni,
        "slokam" => Form::Sloka,
        "kaavadi cindu" => Form::KavadiChindu,
        "viruttam" => Form::Viruttam,
        "kanni" | "paappaa kanni" => Form::Other,
        _ => return None,
    })
}
