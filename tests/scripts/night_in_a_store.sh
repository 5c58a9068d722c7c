#!/bin/sh
# The sample night from and to a store on this machine: starts the server, fills the inbox, runs,
# runs again, stops the server.
#   night_in_a_store.sh s3|azurite MARTLET SERVER PYTHON
set -eu
target=$1 martlet=$2 server=$3 python=$4
here=$(dirname "$0")
case $target in
s3)
    endpoint=http://127.0.0.1:5557 inbox=kmca-inbox published=kmca-published kind=s3
    "$server" -m moto.server -H 127.0.0.1 -p 5557 >/dev/null 2>&1 &
    ;;
azurite)
    endpoint=http://127.0.0.1:10000 inbox=inbox published=published kind=azure
    "$server" --inMemoryPersistence --skipApiVersionCheck --disableTelemetry --silent \
        --blobHost 127.0.0.1 --blobPort 10000 >/dev/null 2>&1 &
    ;;
esac
id=$!
trap 'kill $id 2>/dev/null || true; wait $id 2>/dev/null || true' EXIT
# The server begins empty: what an earlier one had is not there any more.
rm -rf "lake-$target"
"$python" "$here/store.py" $kind $endpoint $inbox data-samples
"$python" "$here/store.py" $kind $endpoint $published
"$martlet" run --target "$target"
"$martlet" run --target "$target"
