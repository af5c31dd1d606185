//! The few words that a form without a script may answer with, in the languages of the site.

use http::StatusCode;

/// The words of one language.
#[derive(Debug)]
pub(super) struct Words {
    pub lang: &'static str,
    /// That the report did not arrive.
    pub not_sent: &'static str,
    /// To go back, mend it and send it again.
    mend: &'static str,
    /// To wait.
    wait: &'static str,
}

/// English first: the language of whoever names no other.
static ALL: [Words; 6] = [
    Words {
        lang: "en",
        not_sent: "It was not sent",
        mend: "Please go back, mend what is said below, and send it again.",
        wait: "Please wait a little, go back, and send it again.",
    },
    Words {
        lang: "ta",
        not_sent: "அனுப்பப்படவில்லை",
        mend: "பின்சென்று, கீழே கூறியதைத் திருத்தி, மீண்டும் அனுப்புங்கள்.",
        wait: "சற்றுப் பொறுத்து, பின்சென்று, மீண்டும் அனுப்புங்கள்.",
    },
    Words {
        lang: "te",
        not_sent: "పంపబడలేదు",
        mend: "వెనక్కి వెళ్లి, కింద చెప్పినదాన్ని సరిచేసి, మళ్లీ పంపండి.",
        wait: "కాసేపు ఆగి, వెనక్కి వెళ్లి, మళ్లీ పంపండి.",
    },
    Words {
        lang: "kn",
        not_sent: "ಕಳುಹಿಸಲಾಗಲಿಲ್ಲ",
        mend: "ಹಿಂದಕ್ಕೆ ಹೋಗಿ, ಕೆಳಗೆ ಹೇಳಿದುದನ್ನು ಸರಿಪಡಿಸಿ, ಮತ್ತೆ ಕಳುಹಿಸಿ.",
        wait: "ಸ್ವಲ್ಪ ತಡೆದು, ಹಿಂದಕ್ಕೆ ಹೋಗಿ, ಮತ್ತೆ ಕಳುಹಿಸಿ.",
    },
    Words {
        lang: "ml",
        not_sent: "അയച്ചിട്ടില്ല",
        mend: "മടങ്ങിപ്പോയി, താഴെ പറഞ്ഞത് തിരുത്തി, വീണ്ടും അയയ്ക്കുക.",
        wait: "അൽപ്പം കാത്തിരുന്ന്, മടങ്ങിപ്പോയി, വീണ്ടും അയയ്ക്കുക.",
    },
    Words {
        lang: "hi",
        not_sent: "भेजा नहीं गया",
        mend: "पीछे जाकर, नीचे बताई बात सुधारकर, फिर भेजिए।",
        wait: "थोड़ा रुककर, पीछे जाकर, फिर भेजिए।",
    },
];

impl Words {
    /// The words of the language with this code.
    pub fn of(lang: &str) -> &'static Self {
        ALL.iter().find(|words| words.lang == lang).unwrap_or(&ALL[0])
    }

    /// What to do after a refusal.
    pub fn advice(&self, status: StatusCode) -> &'static str {
        let waits = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
        if waits { self.wait } else { self.mend }
    }
}
