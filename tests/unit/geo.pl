#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# geo.pl FILE COUNTRY - write a small database of addresses, in which 192.0.2.0/24 is in COUNTRY
use strict;
use warnings;

use MaxMind::DB::Writer::Tree;

my ($file, $country) = @ARGV;
my %types = (
	autonomous_system_number       => 'uint32',
	autonomous_system_organization => 'utf8_string',
	city                           => 'map',
	code                           => 'utf8_string',
	continent                      => 'map',
	country                        => 'map',
	en                             => 'utf8_string',
	iso_code                       => 'utf8_string',
	names                          => 'map',
);
my $tree = MaxMind::DB::Writer::Tree->new(
	alias_ipv6_to_ipv4       => 1,
	database_type            => 'Test',
	description              => { en => 'for tests' },
	ip_version               => 6,
	languages                => ['en'],
	map_key_type_callback    => sub { $types{ $_[0] } },
	record_size              => 24,
	remove_reserved_networks => 0,
);
$tree->insert_network('192.0.2.0/24',
	{ continent => { code => 'EU' }, country => { iso_code => $country }, city => { names => { en => "K\x{f6}ln" } } });
$tree->insert_network('2001:db8::/32', { country => { iso_code => 'BR' } });
# Longer than anybody keeps, and of the wrong type.
$tree->insert_network('198.51.100.0/25', { country => { iso_code => 'LONGCOUNTRY' }, city => { names => { en => "\x{e4}" x 40 } } });
$tree->insert_network('198.51.100.128/25', { country => { names => { en => 'x' } } });
$tree->insert_network('203.0.113.0/24',
	{ autonomous_system_number => 64496, autonomous_system_organization => 'Example Net' });
open my $out, '>:raw', $file or die "$file: $!\n";
$tree->write_tree($out);
close $out or die "$file: $!\n";
