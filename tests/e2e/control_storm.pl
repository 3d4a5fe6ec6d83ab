#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# control_storm.pl - clients that mean harm to the control socket, until they are told to end, for two minutes at most
#
# control_storm.pl SOCKET
#
# Hundreds of connections that say nothing, say an octet at a time, ask for long answers
# and read none, send a megabyte without an end, or nonsense. Each that is turned away comes again.
# Prints "ready" after the first thousand connections.
use strict;
use warnings;
use IO::Socket::UNIX;

my ($path) = @ARGV;
die "usage: control_storm.pl SOCKET\n" unless defined $path;
# A connection may wait for ever for a daemon that takes none.
alarm 120;
$SIG{PIPE} = 'IGNORE';
$| = 1;

my $list = qq({"command":["limit","list"]}\n);
my @manners = (
    sub { },
    sub { syswrite $_[0], '{' },
    sub { syswrite $_[0], $list x 100 },
    sub { syswrite $_[0], '[' x (1 << 20) },
    sub { syswrite $_[0], "\xff\x00\x1b[2J\n" x 100 },
    sub { syswrite $_[0], qq({"command":["limit","show","\\u001b[31m\\u009b"]}\n); close $_[0] },
);
my @held;
my $i = 0;
while (1) {
    my $sock = IO::Socket::UNIX->new(Peer => $path) or select(undef, undef, undef, 0.01), next;
    $sock->blocking(0);
    $manners[$i % @manners]->($sock);
    push @held, $sock;
    $_->opened && syswrite $_, "{" for @held[0 .. (@held > 20 ? 19 : $#held)];
    shift @held if @held > 400;
    print "ready\n" if ++$i == 1000;
}
