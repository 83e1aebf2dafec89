# Runs one test server: FOLDER STOP-SIGNAL COMMAND...
# Reads words on stdin, answers "done" for each. When stdin closes, the test process is gone:
# the server is stopped at once and FOLDER removed.
folder=$1
stop_signal=$2
shift 2
server=

# PostgreSQL serves each connection by a child process, so a signal for the whole goes to all.
everyone() {
    children=
    for status in /proc/[0-9]*/status; do
        parent=
        while read -r name value _; do
            if [ "$name" = PPid: ]; then parent=$value; break; fi
        done 2>/dev/null <"$status"
        if [ "$parent" = "$server" ]; then
            pid=${status#/proc/}
            children="$children ${pid%/status}"
        fi
    done
}

# The parent first on the way down, last on the way up: a stopped parent makes no new children.
pause() {
    kill -STOP "$server"
    everyone
    for pid in $children; do kill -STOP "$pid" 2>/dev/null; done
}

resume() {
    everyone
    for pid in $children; do kill -CONT "$pid" 2>/dev/null; done
    kill -CONT "$server"
}

# The log is emptied here and not by the new process, so that no reader takes old lines for new.
start() {
    : >"$folder/log"
    "$@" </dev/null >>"$folder/log" 2>&1 &
    server=$!
}

stop() {
    [ -n "$server" ] || return 0
    resume
    kill -"$stop_signal" "$server"
    { wait "$server"; } 2>/dev/null
    server=
}

while read -r word; do
    case $word in
        start) start "$@" ;;
        stop) stop ;;
        pause) pause ;;
        resume) resume ;;
        *) echo "unknown word $word"; continue ;;
    esac
    echo "done"
done
stop
rm -rf "$folder"
