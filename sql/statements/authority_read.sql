-- params: none
SELECT encode(fingerprint, 'hex') AS fingerprint FROM authority
