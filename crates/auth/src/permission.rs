//! Permissions as types, and the one table that gives them to roles.

use domain::Role;

/// Something that a principal may do. An endpoint names the type; the document and the table know the name.
pub trait Permission: Send + Sync + 'static {
    /// `resource.action`.
    const NAME: &'static str;
}

/// Whether `role` holds the permission called `name`. A name that the table does not know is held by nobody.
pub fn allows(role: Role, name: &str) -> bool {
    ROLE_PERMISSIONS.iter().any(|(permission, roles)| *permission == name && roles.contains(&role))
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $permission:ident = $name:literal => [$($role:ident)*],)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $permission;

            impl Permission for $permission {
                const NAME: &'static str = $name;
            }
        )*

        /// Every permission and the roles that hold it.
        pub const ROLE_PERMISSIONS: &[(&str, &[Role])] = &[$(($name, &[$(Role::$role),*]),)*];
    };
}

permissions! {
    /// See compositions in every state, with their history.
    CompositionRead = "composition.read" => [Viewer Editor Reviewer IngestOperator Admin],
    /// Begin a composition.
    CompositionCreate = "composition.create" => [Editor Admin],
    /// Change a draft and submit it.
    CompositionUpdate = "composition.update" => [Editor Admin],
    /// Return a submitted draft.
    CompositionReview = "composition.review" => [Reviewer Admin],
    /// Publish and unpublish.
    CompositionPublish = "composition.publish" => [Reviewer Admin],
    /// Archive and restore.
    CompositionArchive = "composition.archive" => [Reviewer Admin],
    /// See reference data with its history.
    RefdataRead = "refdata.read" => [Viewer Editor Reviewer IngestOperator Admin],
    /// Change reference data; it is live at once.
    RefdataUpdate = "refdata.update" => [Reviewer Admin],
    /// Change the tag catalogue.
    TagUpdate = "tag.update" => [Reviewer Admin],
    /// Change statements of rights.
    RightsUpdate = "rights.update" => [Reviewer Admin],
    /// Rule which names are one entity, and merge entities.
    IdentityMerge = "identity.merge" => [Reviewer Admin],
    /// Read the standing report on the quality of the catalogue.
    QualityRead = "quality.read" => [Viewer Editor Reviewer IngestOperator Admin],
    /// Read what readers report.
    ReportRead = "report.read" => [Viewer Editor Reviewer IngestOperator Admin],
    /// Answer it, and see how its author is reached.
    ReportAnswer = "report.answer" => [Editor Reviewer Admin],
    /// Read what searches found nothing good for.
    SearchRead = "search.read" => [Viewer Editor Reviewer IngestOperator Admin],
    /// See orders to purge and how far they have come.
    PurgeRead = "purge.read" => [Viewer Editor Reviewer IngestOperator Admin],
    /// Purge by surrogate key.
    PurgeTags = "purge.tags" => [Reviewer Admin],
    /// Purge addresses, prefixes, hosts and everything.
    PurgeAll = "purge.all" => [Admin],
    /// Read and verify the audit trail.
    AuditRead = "audit.read" => [Viewer Editor Reviewer IngestOperator Admin],
    /// Manage API keys and their roles.
    AccessManage = "access.manage" => [Admin],
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn unknown_permission_is_denied_to_everybody() {
        assert!(Role::ALL.into_iter().all(|role| !allows(role, "composition.delete")));
    }

    #[test]
    fn admin_holds_every_permission() {
        assert!(ROLE_PERMISSIONS.iter().all(|(name, _)| allows(Role::Admin, name)));
    }

    #[test]
    fn viewer_and_ingest_operator_hold_reads_only() {
        for (name, _) in ROLE_PERMISSIONS {
            for role in [Role::Viewer, Role::IngestOperator] {
                assert_eq!(allows(role, name), name.ends_with(".read"), "{role:?} {name}");
            }
        }
    }

    #[test]
    fn editor_writes_drafts_and_does_not_publish() {
        assert!(allows(Role::Editor, CompositionCreate::NAME));
        assert!(allows(Role::Editor, CompositionUpdate::NAME));
        assert!(!allows(Role::Editor, CompositionPublish::NAME));
        assert!(!allows(Role::Editor, AccessManage::NAME));
    }

    #[test]
    fn reviewer_publishes_and_does_not_edit() {
        assert!(allows(Role::Reviewer, CompositionPublish::NAME));
        assert!(!allows(Role::Reviewer, CompositionUpdate::NAME));
    }

    #[test]
    fn every_name_is_listed_once() {
        let names: HashSet<_> = ROLE_PERMISSIONS.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), ROLE_PERMISSIONS.len());
    }
}
