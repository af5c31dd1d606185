//! The settings of one cluster, each with the reason that it is not the default.

use super::cluster::Cluster;
use std::path::Path;

/// Where a standby finds what it copies.
pub struct Upstream<'a> {
    /// The cluster that it streams from.
    pub source: &'a Cluster,
    /// A password file for the replication role.
    pub passfile: &'a Path,
}

/// The file that is included at the end of `postgresql.conf`, written anew at every start.
pub fn file(cluster: &Cluster, sockets: &Path, upstream: Option<&Upstream<'_>>) -> String {
    let mut lines: Vec<String> = vec![
        "# Written by `sangraha up` at every start; changes here are lost.".into(),
        "listen_addresses = '127.0.0.1'".into(),
        format!("port = {}", cluster.port),
        format!("unix_socket_directories = '{}'", sockets.display()),
        "unix_socket_permissions = 0700".into(),
        format!("cluster_name = '{}'", cluster.slot()),
        "password_encryption = 'scram-sha-256'".into(),
        // Modest: three clusters share one machine, and a catalogue is small.
        "max_connections = 150".into(),
        "shared_buffers = '64MB'".into(),
        "max_wal_size = '512MB'".into(),
        "checkpoint_timeout = '15min'".into(),
        // Short statements lose more by compiling than they gain.
        "jit = off".into(),
        // Replication, with room for a promotion: every node can serve standbys, and pg_rewind needs the hints.
        "wal_level = 'replica'".into(),
        "hot_standby = on".into(),
        "wal_log_hints = on".into(),
        "max_wal_senders = 10".into(),
        "max_replication_slots = 10".into(),
        // What a copy that is being made will ask for next, before its slot holds it back.
        "wal_keep_size = '256MB'".into(),
        // A dead standby must not fill the disk.
        "max_slot_wal_keep_size = '1GB'".into(),
        // The default of 5 s makes a promotion and a reconnect slow.
        "wal_retrieve_retry_interval = '200ms'".into(),
        "max_standby_streaming_delay = '5s'".into(),
        // A far replica's old snapshot would hold back cleaning on the primary.
        format!("hot_standby_feedback = {}", if cluster.is_far { "off" } else { "on" }),
        // Locks of dead clients end.
        "tcp_keepalives_idle = 30".into(),
        "tcp_keepalives_interval = 10".into(),
        "tcp_keepalives_count = 3".into(),
        "tcp_user_timeout = '30s'".into(),
        "timezone = 'UTC'".into(),
        "log_timezone = 'UTC'".into(),
        "log_line_prefix = '%m [%p] %q%u@%d '".into(),
        "log_checkpoints = off".into(),
    ];
    if let Some(Upstream { source, passfile }) = upstream {
        lines.push(format!(
            "primary_conninfo = 'host=127.0.0.1 port={} user=sangraha_replication passfile=''{}'' application_name={}'",
            source.port,
            passfile.display(),
            cluster.slot()
        ));
        lines.push(format!("primary_slot_name = '{}'", cluster.slot()));
    }
    lines.push("include_if_exists 'sangraha.sync.conf'".into());
    lines.join("\n") + "\n"
}

/// Commits wait for the far replica, so that the loss of a region loses no acknowledged write; where it is
/// away, the near one vouches.
pub fn synchronous(far: &Cluster, near: &Cluster) -> String {
    format!("synchronous_standby_names = 'FIRST 1 ({}, {})'\n", far.slot(), near.slot())
}

/// Who may connect: everybody with a password, from this machine.
pub const ACCESS: &str = "\
# Written by `sangraha up` at every start; changes here are lost.
local all         all                               scram-sha-256
host  all         all                  127.0.0.1/32 scram-sha-256
host  replication sangraha_replication 127.0.0.1/32 scram-sha-256
";

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn cluster(name: &'static str, is_far: bool) -> Cluster {
        Cluster { name, folder: PathBuf::from("/data").join(name), port: 7430, is_far }
    }

    #[test]
    fn the_far_replica_does_not_hold_back_the_primary() {
        assert!(
            file(&cluster("replica-b", true), Path::new("/s"), None).contains("hot_standby_feedback = off")
        );
        assert!(
            file(&cluster("replica-a", false), Path::new("/s"), None).contains("hot_standby_feedback = on")
        );
    }

    #[test]
    fn a_standby_streams_through_its_own_slot() {
        let source = cluster("primary", false);
        let upstream = Upstream { source: &source, passfile: Path::new("/data/pass") };
        let text = file(&cluster("replica-b", true), Path::new("/s"), Some(&upstream));
        assert!(text.contains("primary_slot_name = 'replica_b'"), "{text}");
        assert!(text.contains("application_name=replica_b"), "{text}");
    }

    #[test]
    fn the_far_replica_vouches_first() {
        let text = synchronous(&cluster("replica-b", true), &cluster("replica-a", false));
        assert_eq!(text, "synchronous_standby_names = 'FIRST 1 (replica_b, replica_a)'\n");
    }
}
