#!/bin/bash
# Where a verified full handshake with all evidence spends the client's CPU time: the ten largest shares, by what the time is spent for.
# Needs perf (Debian's linux-perf) and the right to use it.
# SHOW=20 shows more of them.
#   tests/bench/profile.sh [ec|rsa [COUNT [OPTION OF bench-handshake...]]]       ec, 3,000; --engine libssl profiles that one
. "$(dirname "$0")/begin.sh"
kind=${1:-ec} count=${2:-3000}
shift $(($# < 2 ? $# : 2))
case $kind in
    ec | rsa) at_most 1 "$count" ;;
    --help | -h) show_help; exit 0 ;;
    *) wrong_usage "ec or rsa, not \"$kind\"" ;;
esac
. "$(dirname "$0")/lib.sh"
need perf
need_built bench/bench-handshake

pki=$scratch/pki
"$source_dir/tests/lab/pki.sh" "$pki" init --key "$kind"
"$source_dir/tests/lab/pki.sh" "$pki" leaf www.shop.example --key "$kind"
start_nginx server "ssl_protocols TLSv1.3; ssl_ecdh_curve X25519:prime256v1;
    ssl_certificate $pki/www.shop.example.chain.pem; ssl_certificate_key $pki/www.shop.example.key;"
perf record -q -e cpu-clock -F 1999 --call-graph dwarf,16384 -o "$scratch/data" \
    "$build_dir/bench/bench-handshake" 127.0.0.1 "$port" www.shop.example "$pki/root.pem" "$count" "$@" >"$scratch/said" 2>"$scratch/err" ||
    give_up "$(tail -n 1 "$scratch/err")"
read -r made took _ <"$scratch/said"

# What a stack is for: the first line that finds something in it.
cat >"$scratch/purposes" <<'END'
decoding public keys of certificates (OSSL_DECODER)	OSSL_DECODER
signatures of the chain	X509_verify_cert.*ASN1_item_verify|ASN1_item_verify.*X509_verify_cert
verifying the chain, besides	X509_verify_cert
evidence: certificate facts, hashes, staple	certificates_keep|chain_keep|certificate_facts|certificate_leaf_facts|staple_read
parsing certificates, besides	ASN1_item_d2i|d2i_X509
CertificateVerify	EVP_DigestVerify|ECDSA_verify|proof_check
key exchange: shared secret	EVP_PKEY_derive|key_share_agree
key exchange: making the share	EVP_PKEY_generate|EVP_PKEY_keygen|EVP_PKEY_paramgen|key_share_
key schedule and transcript	schedule_|EVP_KDF|EVP_PKEY_CTX_add1_hkdf|HMAC|EVP_Digest|EVP_MD|SHA256|SHA512
encryption of records	EVP_Cipher|EVP_Encrypt|EVP_Decrypt
random numbers	RAND_
system calls: connect, socket, close	sys_connect|sys_socket|sys_close|sys_shutdown|_libc_connect|GI___close
system calls: TCP_INFO, socket options and names	sys_getsockopt|sys_setsockopt|sys_getsockname|sys_recvmsg|sys_bind
system calls: send	sys_sendto|libc_send
system calls: receive	sys_recvfrom|libc_recv
system calls: epoll, and the loop's clock	sys_epoll|epoll_|clock_gettime
SSL objects made and freed	SSL_new|SSL_free|SSL_set|SSL_CTX
libssl, besides	SSL_
our client, besides	tls_client_
arena, attempt, memory of the probe	arena_|attempt_|calloc|GI___libc_free
libcrypto, in functions without a name	libcrypto
libssl, in functions without a name	libssl
other system calls, interrupts	kernel
the loop and the probe, besides	uv_run
END
perf script -i "$scratch/data" -F ip,sym,dso 2>/dev/null | awk -F'\t' -v us="$(awk -v t="$took" -v n="$made" 'BEGIN { print t / n }')" '
    FNR == NR { label[++rules] = $1; finds[rules] = $2; next }
    NF { stack = stack " " $0; next }
    { judge() }
    function judge(    i) {
        if (stack == "") return
        for (i = 1; i <= rules && stack !~ finds[i]; i++);
        share[i <= rules ? label[i] : "start and end of the program, and unknown"]++
        stack = ""; samples++ }
    END { judge(); for (l in share) printf "%5.1f %%  %6.0f us  %s\n", 100 * share[l] / samples, us * share[l] / samples, l }
' "$scratch/purposes" - | sort -rn >"$scratch/shares"
awk -v n="$made" -v t="$took" -v k="$kind" 'BEGIN { printf "%d handshakes, %s, %.0f us of client CPU each\n", n, k, t / n }'
head -n "${SHOW:-10}" "$scratch/shares"
