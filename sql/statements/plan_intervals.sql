-- params: none
SELECT DISTINCT interval_s FROM site JOIN endpoint ON endpoint.site_id = site.id
WHERE endpoint.removed_at IS NULL ORDER BY interval_s
