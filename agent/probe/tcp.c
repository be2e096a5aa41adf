#include "probe/tcp.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ERROR_QUEUE_MAX = 16 };

bool tcp_snapshot_take(int fd, int64_t at_us, struct tcp_snapshot *ret_snapshot)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
        return false;
    *ret_snapshot = (struct tcp_snapshot){
        .taken = true,
        .at_us = at_us,
        .state = info.tcpi_state,
        .rtt_us = info.tcpi_rtt,
        .min_rtt_us = info.tcpi_min_rtt,
        .total_retrans = info.tcpi_total_retrans,
        .unacked = info.tcpi_unacked,
        .bytes_acked = info.tcpi_bytes_acked,
        .bytes_received = info.tcpi_bytes_received,
        .segs_in = info.tcpi_segs_in,
        .data_segs_in = info.tcpi_data_segs_in,
        .rcv_ooopack = info.tcpi_rcv_ooopack,
        .sacked = info.tcpi_sacked,
        .backoff = info.tcpi_backoff,
        .snd_mss = info.tcpi_snd_mss,
        .pmtu = info.tcpi_pmtu,
        .segs_out = info.tcpi_segs_out,
        .dsack_dups = info.tcpi_dsack_dups,
    };
    return true;
}

static int set_icmp_queue(int fd, int family, int on)
{
    return family == AF_INET6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on)
                              : setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
}

static bool bind_source(int fd, const struct address *source)
{
    struct sockaddr_storage name;
    socklen_t length = address_to_sockaddr(source, 0, &name);
    int on = 1;
    /* The port is chosen at connect, where it need be unique for this destination only. */
    return setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0 &&
           bind(fd, (const struct sockaddr *)&name, length) == 0;
}

int tcp_socket(const struct address *address, const struct address *source)
{
    int family = address->length == 16 ? AF_INET6 : AF_INET;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (fd < 0)
        return -1;
    if (source->length == address->length && !bind_source(fd, source)) {
        int error = errno;
        (void)close(fd);
        errno = error;
        return -1;
    }
    int on = 1;
    /* Evidence only: a kernel that refuses either still connects. */
    (void)set_icmp_queue(fd, family, on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

void tcp_small_segments(int fd)
{
    int bytes = TCP_SMALL_MSS_BYTES;
    /* When it is refused the snapshots' snd_mss tells. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &bytes, sizeof bytes);
}

static void keep_icmp(const struct sock_extended_err *error, struct evidence_flow *flow)
{
    if (error->ee_origin != SO_EE_ORIGIN_ICMP && error->ee_origin != SO_EE_ORIGIN_ICMP6)
        return;
    flow->icmp_type = error->ee_type;
    flow->icmp_code = error->ee_code;
    (void)address_from_sockaddr(SO_EE_OFFENDER(error), &flow->icmp_offender, NULL);
}

static bool is_error_message(const struct cmsghdr *header)
{
    return (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_RECVERR) ||
           (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_RECVERR);
}

static void drain_error_queue(int fd, struct evidence_flow *flow)
{
    for (int i = 0; i < ERROR_QUEUE_MAX; i++) {
        union {
            struct cmsghdr align;
            char bytes[512];
        } control;
        char packet[128];
        struct iovec data = {.iov_base = packet, .iov_len = sizeof packet};
        struct msghdr message = {
            .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
        if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
            return;
        for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at != NULL; at = CMSG_NXTHDR(&message, at))
            if (is_error_message(at))
                keep_icmp((const struct sock_extended_err *)(const void *)CMSG_DATA(at), flow);
    }
}

void tcp_connected(int fd, const struct evidence_flow *flow)
{
    (void)set_icmp_queue(fd, flow->destination.length == 16 ? AF_INET6 : AF_INET, 0);
}

int tcp_connect_result(int fd, struct evidence_flow *flow)
{
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        error = errno;
    drain_error_queue(fd, flow);
    tcp_connected(fd, flow);
    if (error != 0) {
        flow->error = error;
        flow->error_call = CALL_CONNECT;
    }
    return error;
}

void tcp_source(int fd, struct evidence_flow *flow)
{
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    if (getsockname(fd, (struct sockaddr *)&name, &length) == 0)
        (void)address_from_sockaddr((const struct sockaddr *)&name, &flow->source, &flow->source_port);
}

enum evidence_local tcp_local_reason(int error)
{
    static const struct {
        int error;
        enum evidence_local local;
    } rows[] = {
        {ENETUNREACH, LOCAL_NO_ROUTE}, {EHOSTUNREACH, LOCAL_NO_ROUTE}, {EADDRNOTAVAIL, LOCAL_NO_ROUTE},
        {EINVAL, LOCAL_NO_ROUTE},      {EAFNOSUPPORT, LOCAL_NO_ROUTE}, {ENETDOWN, LOCAL_NO_ROUTE},
        {EMFILE, LOCAL_RESOURCE},      {ENFILE, LOCAL_RESOURCE},       {ENOBUFS, LOCAL_RESOURCE},
        {ENOMEM, LOCAL_RESOURCE},      {EAGAIN, LOCAL_RESOURCE},       {EADDRINUSE, LOCAL_RESOURCE},
        {ECONNREFUSED, LOCAL_NONE},    {ECONNRESET, LOCAL_NONE},       {ETIMEDOUT, LOCAL_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].error == error)
            return rows[i].local;
    return LOCAL_OTHER;
}
