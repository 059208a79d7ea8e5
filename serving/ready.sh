#!/bin/bash
# Succeed if a version of the model answers:
#     ready.sh labels/stable
#     ready.sh versions/2
# For the server's image, which has bash and no program that speaks HTTP. A model's status is there
# in any state; its signatures are when the version can be asked for something.
exec 3<>"/dev/tcp/127.0.0.1/${PORT:-8501}" || exit 1
printf 'GET /v1/models/digits/%s/metadata HTTP/1.0\r\n\r\n' "$1" >&3
read -r -t 5 _ status _ <&3
[ "$status" = 200 ]
