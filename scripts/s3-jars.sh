#!/usr/bin/env bash
# Spark's client of S3 (s3a://): fetches its JARs once, pinned by checksum, and prints them as a list for `--jars` or
# spark.jars. Not part of the set-up: only lakes on S3 need it.
#
#   scripts/s3-jars.sh [DIRECTORY]      default build/s3-jars
#
# hadoop-aws has to equal the Hadoop of Spark. Of the AWS SDK these few parts (13 MB) are enough, its bundle has 686 MB.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

DIRECTORY="${1:-build/s3-jars}"
SDK="2.35.4"
COORDINATES="org.apache.hadoop:hadoop-aws:3.5.0,software.amazon.s3.analyticsaccelerator:analyticsaccelerator-s3:1.3.1"
for part in s3-transfer-manager sts apache-client netty-nio-client; do
    COORDINATES="$COORDINATES,software.amazon.awssdk:$part:$SDK"
done
# The bundle, and what Spark has in its own JARs.
EXCLUDES="software.amazon.awssdk:bundle,org.apache.hadoop:hadoop-common,org.apache.hadoop:hadoop-client-api"
EXCLUDES="$EXCLUDES,org.apache.hadoop:hadoop-client-runtime,io.netty:*,org.slf4j:*,org.apache.httpcomponents:*"
EXCLUDES="$EXCLUDES,commons-codec:commons-codec,commons-logging:commons-logging,org.wildfly.openssl:*"

scripts/fetch-jars.sh scripts/s3-jars.sha256 "$DIRECTORY" "$COORDINATES" "$EXCLUDES"
DIRECTORY="$(cd "$DIRECTORY" && pwd -P)"
while read -r _ name; do printf '%s/%s\n' "$DIRECTORY" "$name"; done <scripts/s3-jars.sha256 | paste -s -d , -
