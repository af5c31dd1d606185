//! The rules of people, deities, places, groups, tags, sources and rights.

use super::short::{label, note, text, too_many, unique, url};
use crate::record::Record;
use crate::reference::{Composer, Group, Place, Rights, Source, Temple, Year};
use crate::violation::Violation;
use std::ops::RangeInclusive;

/// The years that a person of the catalogue may have lived in.
const YEARS: RangeInclusive<i16> = -500..=2_100;
/// The most songs of a group.
const MEMBERS_MAX: usize = 500;
/// The most deities of a temple.
const DEITIES_MAX: usize = 32;
/// The longest licence id, holder, attribution or reason, in bytes of UTF-8.
const RIGHTS_BYTES_MAX: usize = 500;

/// What `record` breaks beside the rules that all records share.
pub fn check(record: &Record, found: &mut Vec<Violation>) {
    let free = match record {
        Record::Composer(body) => {
            composer(body, found);
            &body.note
        }
        Record::Temple(body) => {
            temple(body, found);
            &body.note
        }
        Record::Place(body) => {
            place(body, found);
            &body.note
        }
        Record::Group(body) => {
            group(body, found);
            &body.note
        }
        Record::Source(body) => {
            source(body, found);
            &body.note
        }
        Record::Rights(body) => {
            rights(body, found);
            &body.note
        }
        Record::Deity(body) => &body.note,
        Record::Tag(body) => &body.note,
        Record::Sampradaya(body) => &body.note,
        Record::Composition(_) | Record::Raga(_) | Record::Tala(_) => return,
    };
    note("/note", free.as_deref(), found);
}

fn composer(composer: &Composer, found: &mut Vec<Violation>) {
    for (field, year) in [("/birth/year", composer.birth), ("/death/year", composer.death)] {
        if year.is_some_and(|Year { year, .. }| !YEARS.contains(&year)) {
            let detail = format!("the year is {} to {}", YEARS.start(), YEARS.end());
            found.push(Violation::error(field, "out_of_range", detail));
        }
    }
    if let (Some(birth), Some(death)) = (composer.birth, composer.death)
        && death.year < birth.year
    {
        found.push(Violation::error("/death/year", "before_birth", "nobody dies before being born"));
    }
}

fn temple(temple: &Temple, found: &mut Vec<Violation>) {
    /// A quarter of the earth's circumference, in millionths of a degree.
    const QUARTER: u32 = 90_000_000;
    if let Some(at) = temple.location {
        if at.latitude_microdegrees.unsigned_abs() > QUARTER {
            let field = "/location/latitude_microdegrees";
            found.push(Violation::error(field, "out_of_range", "latitudes are -90 to 90 degrees"));
        }
        if at.longitude_microdegrees.unsigned_abs() > 2 * QUARTER {
            let field = "/location/longitude_microdegrees";
            found.push(Violation::error(field, "out_of_range", "longitudes are -180 to 180 degrees"));
        }
    }
    too_many("/deities", temple.deities.len(), DEITIES_MAX, found);
    unique("/deities", &temple.deities, found);
}

fn place(place: &Place, found: &mut Vec<Violation>) {
    label("/district", place.district.as_deref(), found);
    label("/state", place.state.as_deref(), found);
    let code = |country: &String| country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
    if place.country.as_ref().is_some_and(|country| !code(country)) {
        let detail = "two capital letters of ISO 3166-1, as in IN";
        found.push(Violation::error("/country", "bad_country", detail));
    }
}

fn group(group: &Group, found: &mut Vec<Violation>) {
    too_many("/members", group.members.len(), MEMBERS_MAX, found);
    let songs: Vec<_> = group.members.iter().map(|member| member.composition).collect();
    unique("/members", &songs, found);
    for (index, member) in group.members.iter().enumerate().take(MEMBERS_MAX) {
        label(&format!("/members/{index}/label"), member.label.as_deref(), found);
    }
}

fn source(source: &Source, found: &mut Vec<Violation>) {
    url("/url", source.url.as_deref(), found);
    if !(1..=5).contains(&source.tier) {
        found.push(Violation::error("/tier", "out_of_range", "the tier is 1 to 5"));
    }
}

fn rights(rights: &Rights, found: &mut Vec<Violation>) {
    text("/licence", &rights.licence, RIGHTS_BYTES_MAX, found);
    url("/url", rights.url.as_deref(), found);
    for (field, value) in [
        ("/holder", &rights.holder),
        ("/attribution", &rights.attribution),
        ("/public_domain_reason", &rights.public_domain_reason),
    ] {
        if let Some(value) = value {
            text(field, value, RIGHTS_BYTES_MAX, found);
        }
    }
    if rights.licence == "public-domain" && rights.public_domain_reason.is_none() {
        let detail = "say why the work is in the public domain";
        found.push(Violation::error("/public_domain_reason", "reason_missing", detail));
    }
}

#[cfg(test)]
mod tests {
    use crate::id::EntityKind;
    use crate::record::Record;
    use serde_json::{Value, json};

    fn codes(kind: EntityKind, mut body: Value) -> Vec<String> {
        body["names"] = json!([{"text": "A name"}]);
        let record = Record::from_json(kind, body).unwrap();
        record
            .check()
            .into_iter()
            .map(|violation| format!("{} {}", violation.field, violation.code))
            .collect()
    }

    #[test]
    fn lives_run_forward() {
        let composer = |birth: i16, death: i16| {
            codes(EntityKind::Composer, json!({"birth": {"year": birth}, "death": {"year": death}}))
        };
        assert_eq!(composer(1767, 1847), [""; 0]);
        assert_eq!(composer(1847, 1767), ["/death/year before_birth"]);
        assert_eq!(composer(1767, 9999), ["/death/year out_of_range"]);
    }

    #[test]
    fn temples_stand_on_the_earth() {
        let temple = |latitude: i32| {
            let location = json!({
                "latitude_microdegrees": latitude, "longitude_microdegrees": 79_000_000, "precision_metres": 100
            });
            codes(EntityKind::Temple, json!({"location": location}))
        };
        assert_eq!(temple(10_000_000), [""; 0]);
        assert_eq!(temple(i32::MIN), ["/location/latitude_microdegrees out_of_range"]);
    }

    #[test]
    fn small_kinds_have_small_rules() {
        assert_eq!(codes(EntityKind::Place, json!({"country": "India"})), ["/country bad_country"]);
        assert_eq!(codes(EntityKind::Source, json!({"tier": 0})), ["/tier out_of_range"]);
        assert_eq!(codes(EntityKind::Source, json!({"tier": 1, "url": "ftp://x"})), ["/url bad_url"]);
        assert_eq!(
            codes(EntityKind::Rights, json!({"licence": "public-domain"})),
            ["/public_domain_reason reason_missing"]
        );
        assert_eq!(codes(EntityKind::Deity, json!({"note": "a\u{1}"})), ["/note control_character"]);
        assert_eq!(codes(EntityKind::Tag, json!({"category": "theme"})), [""; 0]);
    }

    #[test]
    fn a_song_is_once_in_a_group() {
        let song = "0192aaaa-0000-7000-8000-000000000001";
        let members = json!([{"composition": song}, {"composition": song}]);
        assert_eq!(
            codes(EntityKind::Group, json!({"kind": "pancharatna", "members": members})),
            ["/members/1 repeated"]
        );
    }
}
