//! From the answer to a publish until readers see it: in region A's API, and through region B's edge.

use crate::client::Client;
use crate::table::{latency_header, latency_row};
use clap::Args;
use http::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Where to write and where to look.
#[derive(Args)]
pub struct Options {
    /// Any edge, for admin requests.
    #[arg(long, default_value = "http://127.0.0.1:7400")]
    admin: String,
    /// The public API of region A.
    #[arg(long, default_value = "http://127.0.0.1:7410")]
    api_a: String,
    /// The edge of region B.
    #[arg(long, default_value = "http://127.0.0.1:7401")]
    edge_b: String,
    /// An API key that may create and publish.
    #[arg(long)]
    key: String,
    /// Publishes, one at a time.
    #[arg(long, default_value_t = 1_000)]
    count: usize,
}

/// A change that has not arrived by then has been lost.
const ARRIVAL_MAX: Duration = Duration::from_secs(10);

pub async fn run(options: Options) -> Result<(), String> {
    let editor = Client::new(Some(options.key.clone()));
    let reader = Client::new(None);
    let mut song = Song::create(&editor, &options).await?;
    let (mut publish, mut found_a, mut seen_b, mut found_b) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..options.count {
        let title = song.title(round);
        song.edit(&title).await?;
        song.verb("submit").await?;
        let begun = Instant::now();
        song.verb("publish").await?;
        publish.push(begun.elapsed());
        let committed = Instant::now();
        let query = title.replace(' ', "+");
        let search_a = format!("{}/v1/search?q={query}", options.api_a);
        let search_b = format!("{}/v1/search?q={query}", options.edge_b);
        let detail_b = format!("{}/v1/compositions/{}", options.edge_b, song.id);
        let (a, b, c) = tokio::join!(
            arrival(&reader, &search_a, committed, |json| found(json, &title)),
            arrival(&reader, &detail_b, committed, |json| json["title"] == title.as_str()),
            arrival(&reader, &search_b, committed, |json| found(json, &title)),
        );
        found_a.push(a?);
        seen_b.push(b?);
        found_b.push(c?);
    }
    latency_header();
    latency_row("publish, request to answer", &mut publish);
    latency_row("commit to found by search, API of A", &mut found_a);
    latency_row("commit to new detail, edge of B", &mut seen_b);
    latency_row("commit to found by search, edge of B", &mut found_b);
    Ok(())
}

/// Found by its whole title: an older document of the same song would be shown with the new title too, and
/// match in part only.
fn found(answer: &Value, title: &str) -> bool {
    let hit = &answer["hits"][0];
    hit["why"] == "exact" && hit["composition"]["title"] == title
}

async fn arrival(
    reader: &Client,
    url: &str,
    since: Instant,
    arrived: impl Fn(&Value) -> bool,
) -> Result<Duration, String> {
    while since.elapsed() < ARRIVAL_MAX {
        let answer = reader.get(url).await?;
        if answer.status.is_success() && arrived(&answer.json()?) {
            return Ok(since.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Err(format!("{url}: the change did not arrive within {} s", ARRIVAL_MAX.as_secs()))
}

/// The song that is edited over and over.
struct Song<'a> {
    editor: &'a Client,
    base: String,
    id: String,
    body: Value,
    tag: String,
}

impl<'a> Song<'a> {
    async fn create(editor: &'a Client, options: &Options) -> Result<Self, String> {
        let base = format!("{}/v1/admin/compositions", options.admin);
        let rights = first_id(editor, &options.admin, "rights").await?;
        let composer = first_id(editor, &options.admin, "composers").await?;
        let raga = first_id(editor, &options.admin, "ragas").await?;
        let version = "018f0000-0000-7000-8000-000000000001";
        let body = json!({
            "titles": [{ "text": "Bench" }], "composer": composer, "form": "kriti", "languages": ["te"],
            "versions": [{ "id": version, "ragas": [{ "raga": raga }],
                "sections": [{ "id": "018f0000-0000-7000-8000-000000000002", "kind": "pallavi" },
                    { "id": "018f0000-0000-7000-8000-000000000003", "kind": "charanam", "number": 1 }] }],
            "rights": rights, "sources": [{ "note": "Made by the benchmark." }], "title_only": true,
        });
        let answer = editor.send(Method::POST, &base, None, Some(&body)).await?;
        let created = answer.json()?;
        let id = created["id"].as_str().ok_or("the answer to a creation has no id")?.to_owned();
        Ok(Self { editor, base, id, body, tag: answer.etag.ok_or("the answer to a creation has no ETag")? })
    }

    /// A title that no other round has, of letters only, so that no two fold alike.
    fn title(&self, round: usize) -> String {
        let syllables = ["ka", "ti", "pu", "re", "mo", "sa", "li", "vu", "ne", "do"];
        let word = |number: usize| {
            format!("{number:04}")
                .bytes()
                .map(|digit| syllables[usize::from(digit - b'0')])
                .collect::<String>()
        };
        let run = usize::from_str_radix(&self.id[self.id.len() - 4..], 16).unwrap_or(0) % 10_000;
        format!("Bench {} {}", word(run), word(round % 10_000))
    }

    async fn edit(&mut self, title: &str) -> Result<(), String> {
        self.body["titles"][0]["text"] = json!(title);
        let url = format!("{}/{}", self.base, self.id);
        let answer = self.editor.send(Method::PUT, &url, Some(&self.tag), Some(&self.body)).await?;
        self.keep_tag(answer)
    }

    async fn verb(&mut self, verb: &str) -> Result<(), String> {
        let url = format!("{}/{}/{verb}", self.base, self.id);
        let answer = self.editor.send(Method::POST, &url, Some(&self.tag), Some(&json!({}))).await?;
        self.keep_tag(answer)
    }

    fn keep_tag(&mut self, answer: crate::client::Answer) -> Result<(), String> {
        answer.json()?;
        self.tag = answer.etag.ok_or("the answer to a change has no ETag")?;
        Ok(())
    }
}

async fn first_id(editor: &Client, base: &str, kind: &str) -> Result<String, String> {
    let list = editor.get(&format!("{base}/v1/admin/{kind}?limit=1")).await?.json()?;
    list["items"][0]["id"].as_str().map(str::to_owned).ok_or_else(|| format!("there are no {kind}"))
}
