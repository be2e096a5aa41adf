-- From "bins" (one, other, stage, bin, n): the value in the middle of the bin that each quantile falls into.
, ranked AS (
    SELECT *, sum(n) OVER (PARTITION BY one, other, stage ORDER BY bin) AS upto, sum(n) OVER (PARTITION BY one, other, stage) AS total
    FROM bins
), quantiles AS (
    SELECT one, other, stage,
           round(power(2, (min(bin) FILTER (WHERE upto >= 0.5 * total) + 0.5) / 4))::bigint AS p50_us,
           round(power(2, (min(bin) FILTER (WHERE upto >= 0.9 * total) + 0.5) / 4))::bigint AS p90_us,
           round(power(2, (min(bin) FILTER (WHERE upto >= 0.99 * total) + 0.5) / 4))::bigint AS p99_us
    FROM ranked
    GROUP BY one, other, stage
)
