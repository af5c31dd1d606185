//! What has been acknowledged, kept naively, and the small world that is purged.

use domain::purge::{Purge, Target};

/// One address of the little world.
pub(super) struct Place {
    pub(super) host: &'static str,
    pub(super) path: &'static str,
    pub(super) tags: &'static [&'static str],
}

pub(super) const PLACES: [Place; 8] = [
    Place { host: "h0.test", path: "/", tags: &["home", "list"] },
    Place { host: "h0.test", path: "/v1/ragas", tags: &["list"] },
    Place { host: "h0.test", path: "/v1/ragas/kalyani", tags: &["kalyani"] },
    Place { host: "h0.test", path: "/v1/ragas/kalyani?lang=ta", tags: &["kalyani", "ta"] },
    Place { host: "h0.test", path: "/v1/ragas-old/todi", tags: &["todi"] },
    Place { host: "h1.test", path: "/v1/ragas/todi", tags: &["todi", "list"] },
    Place { host: "h1.test", path: "/about", tags: &[] },
    Place { host: "h1.test:81", path: "/v1/ragas/todi", tags: &["todi"] },
];

/// What purges name here.
pub(super) fn targets() -> Vec<Target> {
    let tag = |tag: &str| Target::Tag(tag.to_owned());
    let url = |place: &Place| Target::Url(format!("http://{}{}", place.host, place.path));
    let prefix = |text: &str| Target::Prefix(text.to_owned());
    let host = |text: &str| Target::Host(text.to_owned());
    let mut targets: Vec<Target> = ["home", "list", "kalyani", "ta", "todi", "nothing"].map(tag).into();
    targets.extend(PLACES.iter().map(url));
    targets.extend(["h0.test/v1", "h0.test/v1/ragas/", "h1.test/v1/ragas/todi", "h0.test/"].map(prefix));
    targets.extend(["h0.test", "h1.test", "h1.test:81"].map(host));
    targets.push(Target::All);
    targets
}

impl Place {
    /// Whether a purge of `target` means this address.
    fn is_meant_by(&self, target: &Target) -> bool {
        let place = format!("{}{}", self.host, self.path);
        let below = place.split('?').next().unwrap_or_default();
        match target {
            Target::All => true,
            Target::Tag(tag) => self.tags.contains(&tag.as_str()),
            Target::Host(host) => self.host == host,
            Target::Url(url) => *url == format!("http://{place}"),
            Target::Prefix(prefix) => {
                let prefix = prefix.trim_end_matches('/');
                below == prefix || below.starts_with(&format!("{prefix}/"))
            }
        }
    }
}

/// A purge of which somebody was told that it is done.
struct Done {
    targets: Vec<Target>,
    soft: bool,
    /// The moment of the acknowledgement.
    at: u64,
    /// What an answer must have been read at; 0 where the edge cannot know.
    floor: u64,
    words: String,
}

/// When and at which position an answer was made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    pub(super) began: u64,
    pub(super) read: u64,
}

#[derive(Default)]
pub(super) struct Oracle {
    done: Vec<Done>,
    /// Positions of the present epoch up to here are acknowledged.
    up_to: u64,
}

impl Oracle {
    /// The edge says that it has everything up to `position`.
    pub(super) fn acknowledge(&mut self, log: &[Purge], position: u64, at: u64) {
        for purge in log.iter().filter(|purge| purge.position > self.up_to && purge.position <= position) {
            let targets = purge.tags.iter().filter_map(|tag| tag.parse().ok()).collect();
            let words = format!("{purge:?} acknowledged at {at}");
            self.done.push(Done { targets, soft: purge.soft, at, floor: purge.floor_lsn, words });
        }
        self.up_to = self.up_to.max(position);
    }

    /// A purge at the edge itself, done at once.
    pub(super) fn note(&mut self, target: &Target, soft: bool, at: u64) {
        let words = format!("{target} at the edge at {at}, soft: {soft}");
        self.done.push(Done { targets: vec![target.clone()], soft, at, floor: 0, words });
    }

    /// A new life of the database: nothing from before it may be served, and positions begin anew.
    pub(super) fn new_epoch(&mut self, at: u64) {
        self.done.clear();
        self.up_to = 0;
        self.note(&Target::All, false, at);
    }

    /// The first purge, acknowledged by the moment `until`, that this answer should not have outlived.
    pub(super) fn objection(&self, place: &Place, made: Made, stands_in: bool, until: u64) -> Option<&str> {
        let meant = |done: &&Done| done.targets.iter().any(|target| place.is_meant_by(target));
        let counts = |done: &&Done| !(stands_in && done.soft);
        let outlived = |done: &&Done| made.began < done.at || made.read < done.floor;
        let known = |done: &&Done| done.at <= until;
        let found = self.done.iter().filter(known).filter(counts).filter(outlived).find(meant);
        found.map(|done| done.words.as_str())
    }
}
