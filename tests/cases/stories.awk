# The stories' fleet, their endpoints, and what each attempt shows. Every story is a pure function of the seed below.

function random(below) { # 0 .. below - 1, by Park and Miller
    seed = (seed * 16807) % 2147483647
    return seed % below
}
function chance(percent) { return random(10000) < percent * 100 }

function vantage(name, region, asn, rtt_ms, loss) {
    vantages++
    v_name[vantages] = name; v_region[vantages] = region; v_asn[vantages] = asn; v_rtt[vantages] = rtt_ms; v_loss[vantages] = loss
    printf "{\"kind\":\"vantage\",\"name\":\"%s\",\"region\":\"%s\",\"asn\":%d}\n", name, region, asn
}
function site(name, sentinel) {
    printf "{\"kind\":\"site\",\"name\":\"%s\",\"interval_s\":60,\"sentinel\":%s}\n", name, sentinel ? "true" : "false"
}
# The host is the pinned address, or the name itself when it is resolved (to the address given).
function endpoint(site_name, role, host, name, address) {
    endpoints++
    e_role[endpoints] = role; e_name[endpoints] = name; e_address[endpoints] = address
    e_key[endpoints] = name in key_of ? key_of[name] : (key_of[name] = endpoints) # one certificate a name
    printf "{\"kind\":\"endpoint\",\"id\":%d,\"site\":\"%s\",\"role\":\"%s\",\"host\":\"%s\",\"port\":443,\"sni\":\"%s\"}\n", endpoints, site_name, role, host, name
    certificate(endpoints, 1, "Example CA R11", "2025-04-01T00:00:00Z", "2026-04-01T00:00:00Z")
}
function certificate(e, salt, issuer, from, to) {
    printf "{\"kind\":\"certificate\",\"sha256\":\"%s\",\"subject\":\"CN=%s\",\"issuer\":\"CN=%s\",\"not_before\":\"%s\",\"not_after\":\"%s\",\"key_type\":\"EC\",\"key_bits\":256,\"names\":[\"%s\"]}\n", hash_of(e, salt), e_name[e], issuer, from, to, e_name[e]
}
function hash_of(e, salt) { return sprintf("%02x%02x%060d", e_key[e], salt, 0) }

function fleet(cn_loss) {
    vantage("hk-1", "hk", 9304, 3, 0.5)
    vantage("hk-2", "hk", 4760, 4, 0.5)
    vantage("cn-1", "cn", 4134, 38, cn_loss)
    vantage("cn-2", "cn", 4134, 41, cn_loss)
    vantage("cn-3", "cn", 4837, 44, cn_loss)
    vantage("cn-4", "cn", 4837, 47, cn_loss)
    vantage("cn-5", "cn", 9808, 52, cn_loss)
    vantage("us-1", "us", 14061, 160, 1)
    vantage("us-2", "us", 16509, 155, 1)
    vantage("de-1", "eu", 24940, 190, 1)
    vantage("fr-1", "eu", 16276, 185, 1)
}
function shop() {
    site("shop", 0)
    endpoint("shop", "edge", "www.shop.example", "www.shop.example", "203.0.113.7")
    endpoint("shop", "origin", "198.51.100.10", "www.shop.example", "198.51.100.10")
}
function sentinels() {
    site("sentinels", 1)
    for (n = 1; n <= 3; n++)
        endpoint("sentinels", "plain", "s" n ".example", "s" n ".example", "192.0.2." n)
}

# --- one attempt ---------------------------------------------------------------------------------------------------

function start_of(round, e) { # within the first half of the minute, in milliseconds
    return sprintf("2025-06-01T%02d:%02d:%02d.%03dZ", int(round / 60), round % 60, (e * 7) % 30, (v * 13) % 1000)
}
function evidence(what, e, address,    rtt, tls) {
    rtt = int(v_rtt[v] * 1000 * (100 + random(8)) / 100)
    if (what == "silent")
        return sprintf("\"flow\":{\"destination\":\"%s\",\"error\":\"ETIMEDOUT\"}", address)
    flow = sprintf("\"flow\":{\"destination\":\"%s\"", address)
    if (what == "reset")
        return flow ",\"error\":\"ECONNRESET\"}"
    tls = "\"tls\":{\"version\":\"TLSv1.3\",\"cipher\":4865,\"chain\":[{\"sha256\":\""
    if (what == "expired")
        return flow "}," tls hash_of(e, 2) "\"}],\"verify_errors\":[{\"code\":10}]}"
    tls = tls hash_of(e, what == "other issuer" ? 3 : 1) "\"}]}"
    return flow "}," tls ",\"http\":{\"status\":" (what == "526" ? 526 : 200) (e_role[e] == "edge" ? ",\"headers\":[{\"name\":\"server\",\"value\":\"cloudflare\"},{\"name\":\"cf-ray\",\"value\":\"8a1-" toupper(substr(v_name[v], 1, 2)) "X\"}]" : "") "}"
}
function clock(what, round, e,    rtt) {
    rtt = int(v_rtt[v] * 1000 * (100 + random(8)) / 100)
    if (what == "silent")
        return sprintf("\"clock\":{\"start\":\"%s\",\"connect_us\":900}", start_of(round, e))
    if (what == "reset")
        return sprintf("\"clock\":{\"start\":\"%s\",\"connect_us\":900,\"connected_us\":%d,\"hello_sent_us\":%d,\"closed_us\":%d}", start_of(round, e), 900 + rtt, 1200 + rtt, 1200 + int(rtt * 1.3))
    if (what == "expired")
        return sprintf("\"clock\":{\"start\":\"%s\",\"connect_us\":900,\"connected_us\":%d,\"hello_sent_us\":%d,\"first_byte_us\":%d,\"handshake_us\":%d}", start_of(round, e), 900 + rtt, 1200 + rtt, 2000 + 2 * rtt, 2500 + 2 * rtt)
    return sprintf("\"clock\":{\"start\":\"%s\",\"connect_us\":900,\"connected_us\":%d,\"hello_sent_us\":%d,\"first_byte_us\":%d,\"handshake_us\":%d,\"request_us\":%d,\"first_data_us\":%d}", start_of(round, e), 900 + rtt, 1200 + rtt, 2000 + 2 * rtt, 2500 + 2 * rtt, 2600 + 2 * rtt, 3000 + 3 * rtt)
}
function attempt(round, e, what, address, variant, role) {
    printf "{\"vantage\":\"%s\",\"endpoint\":%d,%s%s,%s}\n", v_name[v], e, variant == "normal" ? "" : "\"variant\":\"" variant "\",\"role\":\"" role "\",", clock(what, round, e), evidence(what, e, address)
}

# What a first attempt shows, a retry after a failure, and the control under another name where it matters.
function visit(round, e,    what, address) {
    address = address_of(e, round)
    what = shows(e, round)
    if (what == "ok" && chance(v_loss[v]))
        what = "silent"
    attempt(round, e, what, address, "normal", "first")
    if (what == "ok" || what == "other issuer")
        return
    what = shows(e, round)
    if (what == "ok" && chance(v_loss[v]))
        what = "silent"
    attempt(round, e, what, address, "retry", "confirm")
    if (story == "region_name_reset" && shows(e, round) == "reset")
        attempt(round, e, "ok", address, "control-sni", "control")
}

# --- the stories ---------------------------------------------------------------------------------------------------

function address_of(e, round) {
    if (story == "stale_address" && e == 1 && round >= 4 && (v_name[v] == "cn-1" || v_name[v] == "us-1" || v_name[v] == "fr-1"))
        return "203.0.113.99"
    return e_address[e]
}
function shows(e, round) {
    if (story == "asn_block" && e == 1 && v_asn[v] == 4837 && round >= 5 && chance(90)) return "reset"
    if (story == "region_name_reset" && e == 1 && v_region[v] == "cn" && round >= 5 && chance(90)) return "reset"
    if (story == "origin_expired" && round >= 5) return e == 1 ? "526" : e == 2 ? "expired" : "ok"
    if (story == "sick_vantage" && v_name[v] == "us-2" && round >= 5 && chance(90)) return "silent"
    if (story == "stale_address" && address_of(e, round) == "203.0.113.99") return "silent"
    if (story == "interception" && e == 1 && v_region[v] == "cn" && round >= 5) return "other issuer"
    if (story == "lone_vantage" && e == 1 && v_name[v] == "sg-1" && round >= 5 && chance(90)) return "reset"
    if (story == "flapping" && e == 1 && round % 16 >= 4 && round % 16 < 9) return "silent"
    if (story == "forty_one_asn" && e <= 40 && v_asn[v] == 4837 && round >= 4 && chance(90)) return "reset"
    if (story == "forty_one_edge" && e <= 40 && round >= 4 && chance(90)) return "silent"
    return "ok"
}

BEGIN {
    seed = 20250601
    rounds = 16
    print "{\"kind\":\"parallax-export\",\"schema\":1}"
    fleet(story == "quiet_loss" ? 5 : 1)
    if (story == "lone_vantage")
        vantage("sg-1", "sg", 17547, 70, 1)
    if (story ~ /^forty/) {
        site("shops", 0)
        for (n = 1; n <= 40; n++)
            endpoint("shops", "edge", n ".shop.example", n ".shop.example", "203.0.113.7")
        rounds = story == "forty_one_asn" ? 20 : 12
    } else
        shop()
    if (story == "origin_expired")
        certificate(2, 2, "Example CA R11", "2025-03-03T00:05:00Z", "2025-06-01T00:05:00Z")
    if (story == "interception")
        certificate(1, 3, "Corporate Proxy CA", "2025-05-01T00:00:00Z", "2026-05-01T00:00:00Z")
    sentinels()
    if (story == "quiet_loss" || story == "lone_vantage") rounds = 40
    if (story == "flapping") rounds = 112
    for (round = 0; round < rounds; round++)
        for (v = 1; v <= vantages; v++)
            for (e = 1; e <= endpoints; e++)
                visit(round, e)
}
