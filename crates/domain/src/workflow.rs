//! Workflow: states, verbs, and which verb leads from where to where.

use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// The state of an aggregate. Readers see whatever is live, which a draft or review beside it does not hide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Draft,
    InReview,
    Published,
    Archived,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Draft, Self::InReview, Self::Published, Self::Archived];

    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::InReview => "in_review",
            Self::Published => "published",
            Self::Archived => "archived",
        }
    }

    /// The state with this wire name.
    pub fn from_wire(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What a person does to move a composition along. The state is never a field that somebody sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Hands a draft to the reviewers.
    Submit,
    /// Hands it back to its author, with a reason.
    Return,
    /// Shows it to readers.
    Publish,
    /// Takes it away from readers, with a reason.
    Unpublish,
    /// Puts it away, with a reason.
    Archive,
    /// Takes it out of the archive, as a draft.
    Restore,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 6] =
        [Self::Submit, Self::Return, Self::Publish, Self::Unpublish, Self::Archive, Self::Restore];

    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Return => "return",
            Self::Publish => "publish",
            Self::Unpublish => "unpublish",
            Self::Archive => "archive",
            Self::Restore => "restore",
        }
    }

    /// Whether the person must say why.
    pub const fn needs_reason(self) -> bool {
        matches!(self, Self::Return | Self::Unpublish | Self::Archive)
    }

    /// The state to which this verb leads from `state`, or none where it does not apply. `live`: readers
    /// see a revision now, whatever happens beside it.
    pub const fn target(self, state: State, live: bool) -> Option<State> {
        use State::{Archived, Draft, InReview, Published};
        match (self, state) {
            (Self::Submit, Draft) => Some(InReview),
            (Self::Return, InReview) => Some(Draft),
            (Self::Publish, InReview) => Some(Published),
            (Self::Unpublish, Published) => Some(Draft),
            (Self::Unpublish, Draft | InReview) if live => Some(Draft),
            (Self::Archive, Published | Draft) => Some(Archived),
            (Self::Restore, Archived) => Some(Draft),
            _ => None,
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every edge that exists when nothing is live beside the state.
    const EDGES: [(State, Verb, State); 7] = [
        (State::Draft, Verb::Submit, State::InReview),
        (State::InReview, Verb::Return, State::Draft),
        (State::InReview, Verb::Publish, State::Published),
        (State::Published, Verb::Unpublish, State::Draft),
        (State::Published, Verb::Archive, State::Archived),
        (State::Draft, Verb::Archive, State::Archived),
        (State::Archived, Verb::Restore, State::Draft),
    ];

    #[test]
    fn only_the_listed_edges_exist() {
        for state in State::ALL {
            for verb in Verb::ALL {
                let edge = EDGES.iter().find(|edge| edge.0 == state && edge.1 == verb);
                assert_eq!(
                    verb.target(state, state == State::Published),
                    edge.map(|edge| edge.2),
                    "{verb} {state}"
                );
            }
        }
    }

    #[test]
    fn what_is_live_can_be_unpublished_from_beside_a_draft() {
        assert_eq!(Verb::Unpublish.target(State::Draft, true), Some(State::Draft));
        assert_eq!(Verb::Unpublish.target(State::InReview, true), Some(State::Draft));
        assert_eq!(Verb::Unpublish.target(State::Archived, true), None);
    }

    #[test]
    fn wire_names_are_read_back() {
        for state in State::ALL {
            assert_eq!(State::from_wire(state.as_str()), Some(state));
        }
        assert_eq!(State::from_wire("deleted"), None);
    }
}
