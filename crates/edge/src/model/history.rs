//! One random history of one edge.

use super::dice::Dice;
use super::oracle::{Made, Oracle, PLACES, Place, targets};
use super::platter::Platter;
use super::{Counts, Stale};
use crate::config::Config;
use crate::origin::collapse::{Boarding, Landing, Leader, Waiting};
use crate::origin::fill::{Ask, Filled, Received, announce};
use crate::origin::plan::Times;
use crate::policy::Use;
use crate::purge::feed::{self, Heard};
use crate::purge::generations::Depth;
use crate::purge::target;
use crate::store::key::{Key, Spelling};
use crate::store::object::Object;
use crate::store::seed::Seed;
use crate::{Inner, Shared};
use chrono::{DateTime, Duration};
use domain::Clock;
use domain::metrics::Metrics;
use domain::purge::{Purge, PurgeBatch, READ_LSN_HEADER, SURROGATE_KEY_HEADER, Target};
use http::header::{self, HeaderMap, HeaderName};
use http::{Response, StatusCode};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// Steps of one history.
const STEPS: u64 = 80;
/// Answers under way at one time, from origins and from the feed.
const UNDER_WAY_MAX: usize = 4;
/// Steps of a trace.
const TRACE_MAX: usize = 60;

const BEGAN: HeaderName = HeaderName::from_static("model-began");
const READ: HeaderName = HeaderName::from_static("model-read");

pub(super) struct History {
    seed: u64,
    dice: Dice,
    careless: bool,
    /// Rises with every step.
    at: u64,
    /// The position of the database.
    lsn: u64,
    /// When each place last changed.
    changed: [u64; PLACES.len()],
    epoch: u64,
    log: Vec<Purge>,
    /// Positions up to here are gone.
    trimmed: u64,
    /// Of the last purge of all.
    floor: u64,
    config: Config,
    edge: Inner,
    /// What outlives the process, where anything does.
    platter: Option<Platter>,
    /// The feed does not answer.
    cut: bool,
    fills: Vec<Fill>,
    /// Answers of the feed that are under way.
    batches: Vec<PurgeBatch>,
    oracle: Oracle,
    pub(super) counts: Counts,
    trace: VecDeque<String>,
}

/// A question at the origin.
struct Fill {
    place: usize,
    base: Option<Arc<Object>>,
    generation: u64,
    began: u64,
    /// The position that the origin read at, once it has.
    read: Option<u64>,
    /// Whether the origin says it; one that does may lag behind.
    stated: bool,
    leader: Leader,
    waiting: Vec<(Waiting, u64)>,
}

impl History {
    pub(super) fn new(seed: u64, careless: bool) -> Self {
        let mut dice = Dice(seed);
        let few = dice.one_in(4);
        let mut config = Config { purge_tags_max: if few { 6 } else { 1_000 }, ..Config::default() };
        let platter =
            (!dice.one_in(4)).then(|| Platter::new().expect("there is room for a record of purges"));
        if let Some(platter) = &platter {
            config = platter.config(&config);
        }
        let clock = Clock::fixed(DateTime::UNIX_EPOCH + Duration::days(9_000));
        Self {
            seed,
            dice,
            careless,
            at: 1,
            lsn: 100,
            changed: [100; PLACES.len()],
            epoch: 1,
            log: Vec::new(),
            trimmed: 0,
            floor: 0,
            edge: edge(&config, clock, platter.as_ref()),
            config,
            platter,
            cut: false,
            fills: Vec::new(),
            batches: Vec::new(),
            oracle: Oracle::default(),
            counts: Counts::default(),
            trace: VecDeque::new(),
        }
    }

    pub(super) fn run(&mut self) -> Result<(), Box<Stale>> {
        for _ in 0..STEPS {
            self.at += 1;
            self.counts.steps += 1;
            match self.dice.below(100) {
                0..=29 => self.request()?,
                30..=44 => self.read_one(),
                45..=59 => self.end_one()?,
                60..=69 => self.publish(),
                70..=74 => self.order(),
                75..=79 => self.poll(),
                80..=89 => self.deliver(),
                90 => self.purge_here(),
                91 => self.cut(),
                92..=93 => self.restart(),
                94 => self.evict(),
                95..=97 => self.wait(),
                98 => self.trim(),
                _ => self.maybe_new_epoch(),
            }
        }
        // To the end: everything is delivered, and everything is asked for once more.
        self.cut = false;
        self.poll();
        while !self.batches.is_empty() {
            self.deliver();
        }
        (0..PLACES.len()).try_for_each(|place| self.ask(place))
    }

    fn request(&mut self) -> Result<(), Box<Stale>> {
        let place = self.dice.below(PLACES.len() as u64) as usize;
        self.ask(place)
    }

    fn ask(&mut self, place: usize) -> Result<(), Box<Stale>> {
        let key = self.key(place);
        self.thaw(place, &key);
        let base = match self.edge.look_up(&key, &HeaderMap::new(), None, self.edge.now_us()) {
            Ok((object, _, Use::Fresh { .. })) => {
                self.is_trusted(place, &object)?;
                return self.serve(place, &object, false);
            }
            Ok((object, _, Use::WhileRevalidate { .. })) => {
                self.serve(place, &object, false)?;
                Some(object)
            }
            Ok((object, _, Use::Revalidate(_))) => Some(object),
            Err(_) => None,
        };
        if self.dice.one_in(5) {
            return self.origin_fails(place, base);
        }
        self.board(place, &key, base);
        Ok(())
    }

    /// Brings back from the disk what memory has lost, as the edge does.
    fn thaw(&mut self, place: usize, key: &Key) {
        let Some(platter) = self.platter.as_ref().filter(|_| self.edge.knows_of_purges()) else { return };
        if self.edge.store.variants(key).is_empty() && self.edge.revive(key, platter.read(place)) {
            self.counts.thawed += 1;
            self.note(format!("{place} comes back from the disk"));
        }
    }

    /// An edge without news of purges trusts what has been there for a short time only.
    fn is_trusted(&self, place: usize, object: &Object) -> Result<(), Box<Stale>> {
        let resident_s = (self.edge.now_us() - object.received_us) / 1_000_000;
        let is_old = resident_s > i64::try_from(self.config.blind_age_s_max).unwrap_or(i64::MAX);
        match self.edge.is_blind() && object.tagged && is_old {
            true => Err(self.stale(place, made(object), &format!("{resident_s} s without news of purges"))),
            false => Ok(()),
        }
    }

    fn origin_fails(&mut self, place: usize, base: Option<Arc<Object>>) -> Result<(), Box<Stale>> {
        match base.filter(|base| self.edge.may_stand_in(base)) {
            Some(base) => {
                self.counts.stood_in += 1;
                self.serve(place, &base, true)
            }
            None => Ok(()),
        }
    }

    fn board(&mut self, place: usize, key: &Key, base: Option<Arc<Object>>) {
        let generation = self.edge.generations.now();
        match self.edge.flights.board(key, generation) {
            Boarding::Lead(leader) if self.fills.len() < UNDER_WAY_MAX => {
                let stated = self.dice.one_in(2);
                self.note(format!("fill {place} begins at generation {generation}, stated: {stated}"));
                let (began, waiting) = (self.at, Vec::new());
                let fill = Fill { place, base, generation, began, read: None, stated, leader, waiting };
                self.fills.push(fill);
            }
            Boarding::Wait(waiting) => {
                let at = self.at;
                let fill =
                    self.fills.iter_mut().find(|fill| fill.place == place && fill.generation == generation);
                if let Some(fill) = fill {
                    fill.waiting.push((waiting, at));
                }
            }
            Boarding::Lead(_) | Boarding::Alone => {}
        }
    }

    /// The origin makes its answer; one that states its position may be behind.
    fn read_one(&mut self) {
        let lag = self.dice.below(4);
        let (lsn, count) = (self.lsn, self.fills.len() as u64);
        if count == 0 {
            return;
        }
        let index = self.dice.below(count) as usize;
        let fill = &mut self.fills[index];
        if fill.read.is_none() {
            fill.read = Some(if fill.stated { lsn.saturating_sub(lag) } else { lsn });
        }
    }

    fn end_one(&mut self) -> Result<(), Box<Stale>> {
        let ready: Vec<usize> = (0..self.fills.len()).filter(|at| self.fills[*at].read.is_some()).collect();
        if ready.is_empty() {
            return Ok(());
        }
        let fill = self.fills.remove(ready[self.dice.below(ready.len() as u64) as usize]);
        self.land(fill)
    }

    fn land(&mut self, fill: Fill) -> Result<(), Box<Stale>> {
        let Fill { place, base, generation, began, read, stated, leader, waiting } = fill;
        let read = read.unwrap_or(self.lsn);
        let version = if self.changed[place] <= read { self.changed[place] } else { 0 };
        let etag = format!("\"{version}\"");
        let held = base.filter(|base| {
            base.headers.get(header::ETAG).is_some_and(|tag| tag.as_bytes() == etag.as_bytes())
        });
        let head = head(&PLACES[place], &etag, Made { began, read }, held.is_some(), stated);
        let ask = ask_for(self.key(place));
        // The mistake that the oracle must find out: to look at the clock when the answer comes.
        let generation = if self.careless { self.edge.generations.now() } else { generation };
        let now_us = self.edge.now_us();
        let received = Received {
            head,
            body: "x".into(),
            times: Times { generation, sent_us: now_us, received_us: now_us },
        };
        let filled = received.land(&self.edge, &ask, held.as_ref());
        self.counts.fills += 1;
        self.counts.confirmed += u64::from(held.is_some());
        if let Filled::Object(_, account) = &filled {
            self.note(format!("fill {place} of {began} read at {read} ends, stored: {}", account.stored));
            self.counts.refused += u64::from(!account.stored);
        }
        announce(&leader, &filled);
        let variants = self.edge.store.variants(&self.key(place));
        if let Some(platter) = &mut self.platter {
            platter.write(place, &variants, &mut self.dice);
        }
        waiting.into_iter().try_for_each(|(waiting, at)| self.share(place, &waiting, at, stated))
    }

    /// A waiter may have what was asked for after everything that was acknowledged when it came. Whether an origin
    /// that lags behind answered it, nobody can help.
    fn share(&mut self, place: usize, waiting: &Waiting, at: u64, stated: bool) -> Result<(), Box<Stale>> {
        let Some(Landing::Object(object, _)) = waiting.borrow().clone() else { return Ok(()) };
        self.counts.shared += 1;
        let made = made(&object);
        let early = self.oracle.objection(&PLACES[place], Made { read: u64::MAX, ..made }, false, at);
        match early.map(str::to_owned) {
            Some(why) if !stated => Err(self.stale(place, made, &why)),
            _ => Ok(()),
        }
    }

    fn serve(&mut self, place: usize, object: &Object, stands_in: bool) -> Result<(), Box<Stale>> {
        self.counts.served += 1;
        let made = made(object);
        self.note(format!("{place} is served as made at {made:?}, stands in: {stands_in}"));
        match self.oracle.objection(&PLACES[place], made, stands_in, self.at).map(str::to_owned) {
            Some(why) => Err(self.stale(place, made, &why)),
            None => Ok(()),
        }
    }

    fn stale(&self, place: usize, made: Made, why: &str) -> Box<Stale> {
        let place = &PLACES[place];
        let why = format!("{}{} as made at {made:?} outlived {why}", place.host, place.path);
        Box::new(Stale { seed: self.seed, why, trace: self.trace.iter().cloned().collect() })
    }

    /// Something changes, and its keys are purged by the log.
    fn publish(&mut self) {
        let place = self.dice.below(PLACES.len() as u64) as usize;
        self.lsn += 1;
        self.changed[place] = self.lsn;
        let tags = PLACES[place].tags.iter().map(|tag| (*tag).to_owned()).collect();
        self.append(tags, false);
    }

    /// Somebody orders a purge of whatever there is.
    fn order(&mut self) {
        let targets = targets();
        self.lsn += 1;
        let count = 1 + self.dice.below(3);
        let picked = (0..count).map(|_| self.dice.of(&targets).to_string()).collect();
        let soft = self.dice.one_in(2);
        self.append(picked, soft);
    }

    fn append(&mut self, tags: Vec<String>, soft: bool) {
        let position = self.head() + 1;
        self.counts.purges += 1;
        self.counts.soft += u64::from(soft);
        self.floor = self.lsn;
        let purge = Purge { position, tags, floor_lsn: self.lsn, soft };
        self.note(format!("{purge:?}"));
        self.log.push(purge);
    }

    fn head(&self) -> u64 {
        self.log.last().map_or(self.trimmed, |purge| purge.position)
    }

    /// The edge asks; the answer may take its time.
    fn poll(&mut self) {
        if self.cut && !self.dice.one_in(3) {
            return;
        }
        self.cut = false;
        let heard = self.edge.progress.last().unwrap_or(Heard { epoch: 0, position: 0 });
        let lost = heard.epoch != self.epoch || heard.position < self.trimmed || heard.position > self.head();
        let mut purges: Vec<Purge> =
            self.log.iter().filter(|purge| !lost && purge.position > heard.position).cloned().collect();
        purges.truncate(self.dice.below(6) as usize + 1);
        let position =
            if lost { self.head() } else { purges.last().map_or(heard.position, |purge| purge.position) };
        // Within one answer the order does not matter, and neither does saying something twice.
        if self.dice.one_in(3) {
            purges.reverse();
            purges.extend(purges.first().cloned());
        }
        let floor_lsn = if lost { self.floor } else { 0 };
        let batch = PurgeBatch { epoch: self.epoch, purge_all: lost, purges, position, floor_lsn };
        if self.batches.len() < UNDER_WAY_MAX {
            self.batches.push(batch);
        }
    }

    /// Any of the answers that are under way arrives; now and then it arrives once more.
    fn deliver(&mut self) {
        if self.batches.is_empty() || self.cut {
            return;
        }
        let index = self.dice.below(self.batches.len() as u64) as usize;
        if self.dice.one_in(30) {
            return self.die_applying(index);
        }
        let batch = match self.dice.one_in(5) && self.batches.len() < UNDER_WAY_MAX {
            true => self.batches[index].clone(),
            false => self.batches.remove(index),
        };
        self.counts.deliveries += 1;
        self.note(format!("{batch:?} arrives"));
        feed::apply(&self.edge, &batch);
        feed::set_blind(&self.edge, false);
        if batch.epoch == self.epoch {
            self.oracle.acknowledge(&self.log, batch.position, self.at);
        }
    }

    /// The process ends when the purges are written down and their position is not.
    fn die_applying(&mut self, index: usize) {
        let batch = self.batches.remove(index);
        self.note(format!("{batch:?} arrives and kills"));
        self.edge.generations.apply(&target::spelled(&self.edge, &batch.purges));
        self.counts.killed += 1;
        self.start_anew();
    }

    /// The feed falls silent until a question gets through again, which the edge notices or not yet.
    fn cut(&mut self) {
        self.cut = true;
        self.counts.cuts += 1;
        if !self.dice.one_in(3) {
            feed::set_blind(&self.edge, true);
        }
        self.note(format!("cut, blind: {}", self.edge.is_blind()));
    }

    fn purge_here(&mut self) {
        let (place, soft) = (self.dice.below(PLACES.len() as u64) as usize, self.dice.one_in(2));
        let (key, spot, edge) = (self.key(place), &PLACES[place], &self.edge);
        let depth = if soft { Depth::Soft } else { Depth::Hard };
        let target = match self.dice.below(3) {
            0 if !soft => {
                edge.forget(std::slice::from_ref(&key));
                Target::Url(format!("http://{}{}", spot.host, spot.path))
            }
            1 => {
                edge.generations.mark(&[target::host(&edge.generations, &key)], depth);
                Target::Host(spot.host.to_owned())
            }
            _ => {
                edge.generations.mark(&[target::prefix(&edge.generations, &key)], depth);
                let path = spot.path.split('?').next().unwrap_or_default();
                Target::Prefix(format!("{}{path}", spot.host))
            }
        };
        self.note(format!("{target} is purged here, soft: {soft}"));
        // Done with this step: what begins in the next one is after it.
        self.oracle.note(&target, soft, self.at);
        self.at += 1;
    }

    /// The process ends, in order or not, and begins with what lies on its disk: objects, and the record of purges,
    /// which may have been harmed meanwhile.
    fn restart(&mut self) {
        match self.dice.one_in(2) {
            true => self.edge.generations.close(),
            false => self.counts.killed += 1,
        }
        if let Some(platter) = self.platter.as_ref().filter(|_| self.dice.one_in(8)) {
            platter.harm(&mut self.dice).expect("the record of purges is there");
        }
        self.start_anew();
    }

    fn start_anew(&mut self) {
        self.counts.restarts += 1;
        self.fills.clear();
        self.batches.clear();
        let clock = self.edge.clock.clone();
        // The old one leaves the folder before the new one enters it.
        let idle = Config { disk: None, ..self.config.clone() };
        drop(std::mem::replace(&mut self.edge, edge(&idle, clock.clone(), None)));
        self.edge = edge(&self.config, clock, None);
        let lost = self.platter.as_mut().is_some_and(Platter::follow);
        if let Some(platter) = &self.platter {
            platter.mark().expect("the folder of objects is there");
        }
        self.counts.lost += u64::from(lost);
        self.note(format!("restart, emptied: {lost}"));
    }

    fn evict(&mut self) {
        let place = self.dice.below(PLACES.len() as u64) as usize;
        self.edge.store.remove_key(&self.key(place));
    }

    fn wait(&mut self) {
        let seconds = self.dice.below(90);
        self.edge.clock.advance(Duration::seconds(i64::try_from(seconds).unwrap_or(1)));
    }

    /// The log forgets what is old.
    fn trim(&mut self) {
        self.trimmed = self.head();
        self.log.clear();
    }

    fn maybe_new_epoch(&mut self) {
        if !self.dice.one_in(4) {
            return;
        }
        self.counts.epochs += 1;
        self.epoch += 1;
        self.log.clear();
        self.trimmed = 0;
        self.floor = self.lsn;
        self.note(format!("epoch {}", self.epoch));
        // Acknowledged with the first answer of the new epoch, which is delivered here and now.
        self.batches.clear();
        let batch = PurgeBatch {
            epoch: self.epoch,
            purge_all: true,
            purges: Vec::new(),
            position: 0,
            floor_lsn: self.lsn,
        };
        feed::apply(&self.edge, &batch);
        self.oracle.new_epoch(self.at);
        self.at += 1;
    }

    fn key(&self, place: usize) -> Key {
        key(&PLACES[place], &self.edge.hasher)
    }

    fn note(&mut self, words: String) {
        if self.trace.len() == TRACE_MAX {
            self.trace.pop_front();
        }
        self.trace.push_back(format!("{:>3} {words}", self.at));
    }
}

const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// An edge that goes on with what its folder holds; a folder that is new gets its sign.
fn edge(config: &Config, clock: Clock, platter: Option<&Platter>) -> Inner {
    let shared = Shared::new(config, clock, &Metrics::default(), LISTEN);
    let shared = shared.opened(config).expect("the folder can be used");
    if let Some(platter) = platter {
        platter.mark().expect("the folder of objects is there");
    }
    Inner::new(config.clone(), Arc::new(shared)).expect("the default configuration works")
}

fn key(place: &Place, hasher: &Seed) -> Key {
    let (path, query) = match place.path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (place.path, None),
    };
    Key::new(false, place.host, path, query, Spelling::Canonical, hasher)
        .expect("the places have one spelling")
}

fn ask_for(key: Key) -> Ask {
    let target = key.target().expect("the places can be asked for");
    Ask { key, target, asked: HeaderMap::new(), headers: HeaderMap::new() }
}

fn head(place: &Place, etag: &str, made: Made, confirms: bool, stated: bool) -> http::response::Parts {
    let status = if confirms { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let mut response = Response::builder()
        .status(status)
        .header(header::ETAG, etag)
        .header(header::CACHE_CONTROL, "max-age=60, stale-while-revalidate=60, stale-if-error=600")
        .header(BEGAN, made.began)
        .header(READ, made.read);
    if !place.tags.is_empty() {
        response = response.header(SURROGATE_KEY_HEADER, place.tags.join(" "));
    }
    if stated {
        response = response.header(READ_LSN_HEADER, made.read);
    }
    response.body(()).expect("the fields are plain").into_parts().0
}

/// When an answer was made, or last confirmed.
fn made(object: &Object) -> Made {
    let number = |name: &HeaderName| {
        object.headers.get(name).and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0)
    };
    Made { began: number(&BEGAN), read: number(&READ) }
}
