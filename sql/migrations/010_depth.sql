-- How far the attempts of a site's rounds go (enum depth): 0 to the end, 1 to the answer to the ClientHello.
ALTER TABLE site ADD COLUMN depth smallint NOT NULL DEFAULT 0 CHECK (depth IN (0, 1));
