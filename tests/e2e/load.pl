#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# load.pl - many clients at once that remember what became of every message
#
# load.pl PORT CLIENTS MESSAGES SECONDS NAME
#
# CLIENTS processes send MESSAGES messages in all to load@example.com, each with a session of its
# own and the header "X-Load: NAME-i". A message that is refused for now, or whose session breaks, is
# still with its sender: it is tried again until it is taken or SECONDS have passed. Prints one line
# for every attempt that failed ("failed NAME-i STEP reply") and for every message how it ended
# ("taken NAME-i" or "kept NAME-i"). Told by SIGUSR1 it begins no more messages, and ends when it is
# done with those that it has. smtp-source cannot stand in: it ends at the first refusal.
use strict;
use warnings;
use IO::Socket::INET;

my ($port, $clients, $messages, $seconds, $name) = @ARGV;
die "usage: load.pl PORT CLIENTS MESSAGES SECONDS NAME\n" unless defined $name;
my $end = time + $seconds;
$| = 1;
$SIG{PIPE} = 'IGNORE';

# The last line of an answer, or undef when the connection is gone.
sub answer {
    my ($sock) = @_;
    local $SIG{ALRM} = sub { close $sock };
    alarm 15;
    my $line;
    do { $line = <$sock> } while (defined $line && $line =~ /^\d{3}-/);
    alarm 0;
    $line =~ s/\s+$// if defined $line;
    return $line;
}

# One attempt: undef when the server took the message, else the step and the answer that ended it.
sub attempt {
    my ($id) = @_;
    my $sock = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port", Timeout => 5)
        or return "connect none";
    my @steps = (
        ["connect", undef],
        ["EHLO", "EHLO client.example.org"],
        ["MAIL", "MAIL FROM:<ann\@example.org>"],
        ["RCPT", "RCPT TO:<load\@example.com>"],
        ["DATA", "DATA"],
        ["message", "From: <ann\@example.org>\r\nTo: <load\@example.com>\r\nSubject: load\r\n"
            . "X-Load: $id\r\n\r\nOne of many.\r\n."],
    );
    for my $step (@steps) {
        print $sock "$step->[1]\r\n" if defined $step->[1];
        my $reply = answer($sock);
        return "$step->[0] " . ($reply // "none") unless defined $reply && $reply =~ /^[23]/;
    }
    print $sock "QUIT\r\n";
    answer($sock);
    return undef;
}

sub send_until_taken {
    my ($id) = @_;
    while (time < $end) {
        my $failure = attempt($id);
        return print "taken $id\n" unless defined $failure;
        print "failed $id $failure\n";
        select undef, undef, undef, 0.2;
    }
    print "kept $id\n";
}

my ($enough, $failed, @children) = (0, 0);
$SIG{USR1} = sub { $enough = 1; kill 'USR1', @children };
for my $client (0 .. $clients - 1) {
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        @children = ();
        for (my $i = $client; $i < $messages && !$enough; $i += $clients) {
            send_until_taken("$name-$i");
        }
        exit 0;
    }
    push @children, $pid;
}
$SIG{TERM} = $SIG{INT} = sub { kill 'TERM', @children; exit 1 };
for my $child (@children) {
    1 while waitpid($child, 0) < 0 && $!{EINTR};
    $failed = 1 if $?;
}
exit $failed;
