-- What third parties named in the certificates of a site's endpoints are asked for (enum fetch_flags); 0: nothing.
ALTER TABLE site ADD COLUMN fetches smallint NOT NULL DEFAULT 0;
