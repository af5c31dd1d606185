//! The principal: who asks, as far as a credential proved it.

use crate::permission::{Permission, allows};
use chrono::{DateTime, Utc};
use domain::{Actor, Role};
use uuid::Uuid;

/// An account that proved itself for one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The account.
    pub account: Uuid,
    /// Its name, as the audit trail shows it.
    pub name: String,
    /// What it may do is the union of what its roles may.
    pub roles: Vec<Role>,
    /// The API key that it came with.
    pub key: Uuid,
    /// When the key ends.
    pub expires_at: DateTime<Utc>,
}

impl Principal {
    /// The weakest of its roles that holds `P`; none where it may not.
    pub fn role_for<P: Permission>(&self) -> Option<Role> {
        self.roles.iter().copied().filter(|role| allows(*role, P::NAME)).min()
    }

    /// Whether the credential is still good.
    pub fn is_alive(&self, now: DateTime<Utc>) -> bool {
        now < self.expires_at
    }

    /// The author of what it changes.
    pub fn actor(&self) -> Actor {
        Actor { user: Some(self.account), name: self.name.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permission::{CompositionPublish, CompositionRead};

    fn principal(roles: &[Role]) -> Principal {
        Principal {
            account: Uuid::from_u128(1),
            name: "asha".to_owned(),
            roles: roles.to_vec(),
            key: Uuid::from_u128(2),
            expires_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn principal_without_roles_may_nothing() {
        assert_eq!(principal(&[]).role_for::<CompositionRead>(), None);
    }

    #[test]
    fn weakest_sufficient_role_is_named() {
        let both = principal(&[Role::Admin, Role::Reviewer, Role::Viewer]);
        assert_eq!(both.role_for::<CompositionPublish>(), Some(Role::Reviewer));
        assert_eq!(both.role_for::<CompositionRead>(), Some(Role::Viewer));
    }

    #[test]
    fn key_ends_at_its_moment() {
        let principal = principal(&[]);
        assert!(!principal.is_alive(DateTime::UNIX_EPOCH));
        assert!(principal.is_alive(DateTime::UNIX_EPOCH - chrono::Duration::microseconds(1)));
    }
}
