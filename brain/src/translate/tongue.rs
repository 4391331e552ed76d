//! The languages that texts are translated from and to, and what people and engines call them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use whatlang::Lang;

/// A language that texts are translated from or to. (The languages that Jarvis itself speaks are
/// [`crate::text::Language`].)
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tongue(u8);

/// The letters of a language, as far as they tell it from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Script {
    /// Chinese characters.
    Han,
    /// Japanese syllables (and Chinese characters).
    Kana,
    /// Korean syllables.
    Hangul,
    /// a to z, with accents.
    Latin,
    /// Russian and its neighbours.
    Cyrillic,
    /// Arabic, Persian, Urdu.
    Arabic,
    /// Hindi and others.
    Devanagari,
    /// A script of one language.
    Other,
}

struct Entry {
    /// ISO 639-1, or a BCP 47 tag where that is not enough.
    code: &'static str,
    /// ISO 639-3.
    long: &'static str,
    english: &'static str,
    own: &'static str,
    chinese: &'static str,
    script: Script,
    lang: Lang,
}

macro_rules! table {
    ($($code:literal $long:literal $english:literal $own:literal $chinese:literal $script:ident $lang:ident;)*) => {
        &[$(Entry {
            code: $code,
            long: $long,
            english: $english,
            own: $own,
            chinese: $chinese,
            script: Script::$script,
            lang: Lang::$lang,
        }),*]
    };
}

#[rustfmt::skip]
const TABLE: &[Entry] = table! {
    "zh" "zho" "Chinese" "中文" "中文" Han Cmn;
    "zh-Hant" "zht" "Traditional Chinese" "繁體中文" "繁体中文" Han Cmn;
    "en" "eng" "English" "English" "英语" Latin Eng;
    "ja" "jpn" "Japanese" "日本語" "日语" Kana Jpn;
    "ko" "kor" "Korean" "한국어" "韩语" Hangul Kor;
    "es" "spa" "Spanish" "Español" "西班牙语" Latin Spa;
    "fr" "fra" "French" "Français" "法语" Latin Fra;
    "de" "deu" "German" "Deutsch" "德语" Latin Deu;
    "pt" "por" "Portuguese" "Português" "葡萄牙语" Latin Por;
    "it" "ita" "Italian" "Italiano" "意大利语" Latin Ita;
    "nl" "nld" "Dutch" "Nederlands" "荷兰语" Latin Nld;
    "ru" "rus" "Russian" "Русский" "俄语" Cyrillic Rus;
    "uk" "ukr" "Ukrainian" "Українська" "乌克兰语" Cyrillic Ukr;
    "be" "bel" "Belarusian" "Беларуская" "白俄罗斯语" Cyrillic Bel;
    "bg" "bul" "Bulgarian" "Български" "保加利亚语" Cyrillic Bul;
    "sr" "srp" "Serbian" "Српски" "塞尔维亚语" Cyrillic Srp;
    "mk" "mkd" "Macedonian" "Македонски" "马其顿语" Cyrillic Mkd;
    "pl" "pol" "Polish" "Polski" "波兰语" Latin Pol;
    "cs" "ces" "Czech" "Čeština" "捷克语" Latin Ces;
    "sk" "slk" "Slovak" "Slovenčina" "斯洛伐克语" Latin Slk;
    "sl" "slv" "Slovenian" "Slovenščina" "斯洛文尼亚语" Latin Slv;
    "hr" "hrv" "Croatian" "Hrvatski" "克罗地亚语" Latin Hrv;
    "hu" "hun" "Hungarian" "Magyar" "匈牙利语" Latin Hun;
    "ro" "ron" "Romanian" "Română" "罗马尼亚语" Latin Ron;
    "sv" "swe" "Swedish" "Svenska" "瑞典语" Latin Swe;
    "nb" "nob" "Norwegian" "Norsk" "挪威语" Latin Nob;
    "da" "dan" "Danish" "Dansk" "丹麦语" Latin Dan;
    "fi" "fin" "Finnish" "Suomi" "芬兰语" Latin Fin;
    "et" "est" "Estonian" "Eesti" "爱沙尼亚语" Latin Est;
    "lv" "lav" "Latvian" "Latviešu" "拉脱维亚语" Latin Lav;
    "lt" "lit" "Lithuanian" "Lietuvių" "立陶宛语" Latin Lit;
    "ca" "cat" "Catalan" "Català" "加泰罗尼亚语" Latin Cat;
    "eo" "epo" "Esperanto" "Esperanto" "世界语" Latin Epo;
    "af" "afr" "Afrikaans" "Afrikaans" "南非语" Latin Afr;
    "tr" "tur" "Turkish" "Türkçe" "土耳其语" Latin Tur;
    "vi" "vie" "Vietnamese" "Tiếng Việt" "越南语" Latin Vie;
    "id" "ind" "Indonesian" "Bahasa Indonesia" "印尼语" Latin Ind;
    "tl" "tgl" "Tagalog" "Tagalog" "他加禄语" Latin Tgl;
    "ar" "ara" "Arabic" "العربية" "阿拉伯语" Arabic Ara;
    "fa" "pes" "Persian" "فارسی" "波斯语" Arabic Pes;
    "ur" "urd" "Urdu" "اردو" "乌尔都语" Arabic Urd;
    "hi" "hin" "Hindi" "हिन्दी" "印地语" Devanagari Hin;
    "mr" "mar" "Marathi" "मराठी" "马拉地语" Devanagari Mar;
    "ne" "nep" "Nepali" "नेपाली" "尼泊尔语" Devanagari Nep;
    "th" "tha" "Thai" "ไทย" "泰语" Other Tha;
    "he" "heb" "Hebrew" "עברית" "希伯来语" Other Heb;
    "el" "ell" "Greek" "Ελληνικά" "希腊语" Other Ell;
    "bn" "ben" "Bengali" "বাংলা" "孟加拉语" Other Ben;
    "ta" "tam" "Tamil" "தமிழ்" "泰米尔语" Other Tam;
    "te" "tel" "Telugu" "తెలుగు" "泰卢固语" Other Tel;
    "my" "mya" "Burmese" "မြန်မာ" "缅甸语" Other Mya;
    "km" "khm" "Khmer" "ខ្មែរ" "高棉语" Other Khm;
    "ka" "kat" "Georgian" "ქართული" "格鲁吉亚语" Other Kat;
    "hy" "hye" "Armenian" "Հայերեն" "亚美尼亚语" Other Hye;
};

/// Codes that are English words too: at the head of a text they are taken for words.
const ALSO_WORDS: [&str; 8] = ["it", "no", "my", "he", "id", "be", "so", "de"];

impl Tongue {
    /// Chinese, in simplified characters.
    pub const ZH: Self = Self(0);
    /// Chinese, in traditional characters.
    pub const HANT: Self = Self(1);
    /// English.
    pub const EN: Self = Self(2);
    /// Japanese.
    pub const JA: Self = Self(3);
    /// Korean.
    pub const KO: Self = Self(4);

    fn entry(self) -> &'static Entry {
        &TABLE[usize::from(self.0)]
    }

    /// All of them.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).take(TABLE.len()).map(Self)
    }

    /// The code by which it is stored and typed: `en`, `zh`, `zh-Hant`.
    pub fn code(self) -> &'static str {
        self.entry().code
    }

    /// ISO 639-3.
    pub(crate) fn long_code(self) -> &'static str {
        match self {
            Self::HANT => "zho",
            _ => self.entry().long,
        }
    }

    /// What English calls it.
    pub(crate) fn english(self) -> &'static str {
        self.entry().english
    }

    /// What it calls itself.
    pub fn own_name(self) -> &'static str {
        self.entry().own
    }

    pub(crate) fn script(self) -> Script {
        self.entry().script
    }

    pub(super) fn lang(self) -> Lang {
        self.entry().lang
    }

    pub(super) fn of_lang(lang: Lang) -> Option<Self> {
        Self::all().find(|tongue| tongue.lang() == lang)
    }

    /// The language that a word at the head of a text means, unless the word is more likely a part of
    /// the text.
    pub(crate) fn at_head(word: &str) -> Option<Self> {
        if ALSO_WORDS.contains(&word.to_ascii_lowercase().as_str()) {
            return None;
        }
        word.parse().ok()
    }

    /// Whether a text in `self` can be read by who reads `other`: Chinese in either script.
    pub(crate) fn is_read_as(self, other: Self) -> bool {
        self == other
    }
}

impl fmt::Display for Tongue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Tongue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The text names no language that can be translated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no language that can be translated")]
pub struct UnknownTongue(pub String);

impl FromStr for Tongue {
    type Err = UnknownTongue;

    /// By BCP 47 tag (`zh-CN`, `pt_BR`), ISO 639-3 code or name.
    fn from_str(typed: &str) -> Result<Self, UnknownTongue> {
        let unknown = || UnknownTongue(typed.to_owned());
        let folded = typed.trim().replace('_', "-").to_lowercase();
        let mut parts = folded.split('-');
        let primary = parts.next().unwrap_or_default();
        if matches!(primary, "zh" | "zho" | "chi" | "cmn" | "yue") {
            let is_traditional = parts.any(|part| matches!(part, "hant" | "tw" | "hk" | "mo"));
            return Ok(if is_traditional { Self::HANT } else { Self::ZH });
        }
        let by_name = |entry: &Entry| {
            entry.english.to_lowercase() == folded
                || entry.own.to_lowercase() == folded
                || entry.chinese == folded
                || entry
                    .chinese
                    .strip_suffix('语')
                    .is_some_and(|stem| folded.strip_suffix('文') == Some(stem))
        };
        let by_code = |entry: &Entry| entry.code == primary || entry.long == primary;
        let tongue = match primary {
            "zt" | "zht" => Some(Self::HANT),
            "no" | "nor" | "nn" => "nb".parse().ok(),
            "iw" => "he".parse().ok(),
            "fil" => "tl".parse().ok(),
            _ => match folded.as_str() {
                "汉语" | "普通话" | "简体中文" => Some(Self::ZH),
                "繁體" | "繁体" => Some(Self::HANT),
                _ => Self::all()
                    .find(|tongue| by_name(tongue.entry()))
                    .or_else(|| Self::all().find(|tongue| by_code(tongue.entry()))),
            },
        };
        tongue.ok_or_else(unknown)
    }
}

impl Serialize for Tongue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Tongue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        code.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn languages_are_found_by_every_name() {
        for (typed, code) in [
            ("zh-CN", "zh"),
            ("ZH", "zh"),
            ("中文", "zh"),
            ("zh_TW", "zh-Hant"),
            ("zt", "zh-Hant"),
            ("en-GB", "en"),
            ("English", "en"),
            ("英文", "en"),
            ("英语", "en"),
            ("日本語", "ja"),
            ("spa", "es"),
            ("español", "es"),
            ("no", "nb"),
            ("pt-BR", "pt"),
        ] {
            assert_eq!(typed.parse::<Tongue>().unwrap().code(), code, "{typed}");
        }
        for typed in ["", "xx", "klingon", "-", "e n"] {
            assert!(typed.parse::<Tongue>().is_err(), "{typed}");
        }
    }

    #[test]
    fn codes_come_back() {
        for tongue in Tongue::all() {
            assert_eq!(tongue.code().parse::<Tongue>().unwrap(), tongue);
        }
        assert_eq!(Tongue::at_head("it"), None);
        assert_eq!(Tongue::at_head("EN"), Some(Tongue::EN));
    }
}
