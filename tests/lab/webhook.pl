#!/usr/bin/perl
# A receiver of webhooks: webhook.pl PORT FILE. Each POST's Authorization header, a tab and its body become a line of FILE, and the
# answer's status is what FILE.status says (200 without it). One connection at a time, closed after its answer.
use strict;
use warnings;
use IO::Socket::INET;
use IO::Handle;

my ($port, $file) = @ARGV;
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 16, ReuseAddr => 1)
    or die "cannot listen on $port: $!\n";
while (my $peer = $server->accept) {
    my ($length, $authorization, $line) = (0, '');
    my $post = defined($line = <$peer>) && $line =~ /^POST /;
    while (defined($line = <$peer>) && $line !~ /^\r?\n$/) {
        $length = $1 if $line =~ /^Content-Length:\s*(\d+)/i;
        $authorization = $1 if $line =~ /^Authorization:\s*(.*?)\r?\n/i;
    }
    next unless $post;
    read($peer, my $body, $length);
    my $status = 200;
    if (open(my $wanted, '<', "$file.status")) { $status = 0 + <$wanted>; close($wanted) }
    open(my $out, '>>', $file) or die "$file: $!\n";
    print $out "$status\t$authorization\t$body\n";
    close($out);
    print $peer "HTTP/1.1 $status Whatever\r\nContent-Length: 6\r\nConnection: close\r\n\r\nheard\n";
    close($peer);
}
