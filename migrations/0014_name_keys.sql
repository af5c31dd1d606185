-- Names by their folded keys, whole and by their beginning: how a search is answered while an index cannot be.
-- Both columns are `collate "C"`, so one index serves equality and ranges.

create index name_k1_idx on name (k1, kind);
create index name_k2_idx on name (k2, kind);
