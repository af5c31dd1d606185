vcl 4.1;

# Varnish (7.1, with the vmod xkey of varnish-modules) in front of a Sangraha edge. Keys come in `Surrogate-Key`, so
# the edge must be told that this Varnish is a CDN in front of it, and is purged by the adapter "varnish".

import purge;
import std;
import xkey;

backend edge {
    .host = "127.0.0.1";
    .port = "7400";
}

# Whoever may purge: the node with the role "indexer".
acl purgers {
    "127.0.0.1";
    "::1";
}

sub vcl_recv {
    if (req.method == "PURGE" || req.method == "BAN") {
        if (!client.ip ~ purgers) {
            return (synth(403, "Not here"));
        }
        if (req.method == "BAN") {
            call ban_places;
        }
        if (req.http.xkey-purge) {
            set req.http.n-gone = xkey.purge(req.http.xkey-purge);
            return (synth(200, "Purged " + req.http.n-gone));
        }
        if (req.http.xkey-softpurge) {
            set req.http.n-gone = xkey.softpurge(req.http.xkey-softpurge);
            return (synth(200, "Softened " + req.http.n-gone));
        }
        # An address: found in the hash, and purged there.
        set req.http.x-purging = req.method;
        return (hash);
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }
    # What was purged softly has no lifetime left, only grace: it stands in while the edge is known to be away (give
    # the backend a probe), and is asked for anew otherwise.
    if (std.healthy(req.backend_hint)) {
        set req.grace = 0s;
    }
    # Variants are the origin's affair: it says Vary.
    return (hash);
}

# Only fields of objects in the expression, so that the ban lurker can work it off.
sub ban_places {
    if (req.http.x-ban-host) {
        ban("obj.http.x-host == " + req.http.x-ban-host + " && obj.http.x-url ~ " + req.http.x-ban-url);
    } else {
        ban("obj.http.x-url ~ " + req.http.x-ban-url);
    }
    return (synth(200, "Banned"));
}

sub purge_here {
    if (req.http.x-soft) {
        purge.soft(0s);
    } else {
        purge.hard();
    }
    return (synth(200, "Purged"));
}

sub vcl_hit {
    if (req.http.x-purging) {
        call purge_here;
    }
}

sub vcl_miss {
    if (req.http.x-purging) {
        call purge_here;
    }
}

sub vcl_backend_response {
    set beresp.http.xkey = beresp.http.Surrogate-Key;
    set beresp.http.x-host = std.tolower(bereq.http.host);
    set beresp.http.x-url = bereq.url;
    if (beresp.http.CDN-Cache-Control ~ "max-age=[0-9]+") {
        set beresp.ttl = std.duration(regsub(beresp.http.CDN-Cache-Control, "^.*max-age=([0-9]+).*$", "\1") + "s", 0s);
    }
    set beresp.grace = 1d;
}

sub vcl_deliver {
    # What is for caches alone ends here.
    unset resp.http.xkey;
    unset resp.http.x-host;
    unset resp.http.x-url;
    unset resp.http.Surrogate-Key;
    unset resp.http.CDN-Cache-Control;
    if (obj.hits > 0) {
        set resp.http.x-varnish-cache = "hit";
    } else {
        set resp.http.x-varnish-cache = "miss";
    }
}
