#!/usr/bin/perl
# A listener that should hear nothing, or no more than it may: canary.pl FILE ADDRESS PORT HOW [ADDRESS PORT HOW...]. Each connection that is
# accepted becomes a line of FILE, "ADDRESS PORT SECONDS OPEN": when, and how many were open to that address with it. It answers
# nothing, and drops a connection when its peer does (HOW hold) or at once (HOW close).
use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;
use Time::HiRes qw(time);

my $file = shift @ARGV;
open(my $out, '>>', $file) or die "$file: $!\n";
$out->autoflush(1);
my ($select, %listens, %open, %at) = (IO::Select->new);
while (my ($address, $port, $how) = splice(@ARGV, 0, 3)) {
    my $server = IO::Socket::IP->new(LocalAddr => $address, LocalPort => $port, Listen => 512, ReuseAddr => 1)
        or die "cannot listen on $address $port: $@\n";
    $listens{$server} = [$address, $port, $how];
    $select->add($server);
}
print STDERR "listening\n";
while (1) {
    my @ready = $select->can_read;
    for my $socket (grep { !$listens{$_} } @ready) {    # those that left, before those that come
        next if sysread($socket, my $bytes, 65536);
        $select->remove($socket);
        $open{ delete $at{$socket} }--;
        close($socket);
    }
    for my $socket (grep { $listens{$_} } @ready) {
        my ($address, $port, $how) = @{ $listens{$socket} };
        my $peer = $socket->accept or next;
        printf $out "%s %d %.3f %d\n", $address, $port, time, ($open{$address} // 0) + 1;
        next if $how eq 'close';
        $open{$address}++;
        $select->add($peer);
        $at{$peer} = $address;
    }
}
