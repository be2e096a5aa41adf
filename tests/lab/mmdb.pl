#!/usr/bin/perl
# Makes a network database (mmdb) with the records of its arguments; numbers become uint32, texts UTF-8 strings.
#   mmdb.pl FILE 4|6 NETWORK RECORD-IN-JSON [NETWORK RECORD-IN-JSON...]
#   mmdb.pl asn.mmdb 6 127.0.0.0/8 '{"autonomous_system_number": 64501}'
use strict;
use warnings;
use JSON::PP;
use MaxMind::DB::Writer::Tree;

die "usage: mmdb.pl FILE 4|6 NETWORK RECORD-IN-JSON...\n" if @ARGV < 2 || @ARGV % 2;
my ($file, $version, %records) = @ARGV;
my %types;

# The writer wants one type a key, whatever the record.
sub learn_types {
    my ($record) = @_;
    for my $key (keys %$record) {
        my $value = $record->{$key};
        $types{$key} = ref $value ? 'map' : JSON::PP->new->allow_nonref->encode($value) =~ /^"/ ? 'utf8_string' : 'uint32';
        learn_types($value) if ref $value;
    }
}

$_ = decode_json($_), learn_types($_) for values %records;
my $tree = MaxMind::DB::Writer::Tree->new(
    ip_version               => $version,
    record_size              => 24,
    database_type            => 'Test-ASN',
    languages                => ['en'],
    description              => { en => 'networks of a test' },
    remove_reserved_networks => 0,
    map_key_type_callback    => sub { $types{ $_[0] } // 'utf8_string' },
);
$tree->insert_network($_, $records{$_}) for sort keys %records;
open my $out, '>:raw', $file or die "$file: $!\n";
$tree->write_tree($out);
close $out or die "$file: $!\n";
