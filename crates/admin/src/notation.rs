//! Notations beside the records that they refer to: no record alone can tell whether a swara is of its raga.

use crate::error::Result;
use domain::{EntityRef, Record, Refusal};
use std::collections::HashMap;
use store::Tx;

/// Refuses a song whose notations contradict its tala or its ragas as they are stored now. What is referred to
/// and does not exist is told by the store.
pub async fn check(tx: &mut Tx, record: Option<&Record>) -> Result<()> {
    let Some(Record::Composition(song)) = record else { return Ok(()) };
    let mut known: HashMap<EntityRef, Record> = HashMap::new();
    for entity in song.notation_references() {
        if let Some(aggregate) = tx.aggregate(entity).await? {
            known.insert(entity, aggregate.current().clone());
        }
    }
    let broken = song.check_notations(&known);
    if broken.is_empty() { Ok(()) } else { Err(Refusal::Invalid(broken).into()) }
}
