-- params: none
SELECT pg_notify('parallax_site', '')
