-- Which content delivery network answered an attempt, and from which point of presence, where it can be told.
ALTER TABLE attempt ADD COLUMN edge text, ADD COLUMN pop text;
