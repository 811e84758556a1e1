"""What ``--help`` shows of each command's everyday use."""

from __future__ import annotations

_EXAMPLES = {
    "run": """
boxdeck run --rm -it base sh                     # a shell; what it wrote goes with it
boxdeck run -d --name web -p 8080:80 nginx       # in the background, at port 8080 of this machine
boxdeck run -d --memory 256m --cpus 0.5 --restart unless-stopped base sleep 1000
boxdeck run --rm -v "$PWD:/src" -w /src base ls  # with files of this machine
echo words | boxdeck run --rm -i base wc -w      # with input from a pipe
""",
    "create": """
boxdeck create --name job -v data:/data base sh -c 'date > /data/now'
boxdeck start -a job
""",
    "start": """
boxdeck start web db
boxdeck start -ai job      # with its output and input
""",
    "stop": """
boxdeck stop web db
boxdeck stop -t 60 db      # a minute before it is killed
""",
    "kill": """
boxdeck kill web
boxdeck kill -s HUP web    # have it read its configuration again
""",
    "restart": """
boxdeck restart -t 5 web
""",
    "pause": """
boxdeck pause web; boxdeck unpause web
""",
    "unpause": """
boxdeck unpause web
""",
    "update": """
boxdeck update --memory 512m --cpus 2 web
boxdeck update --restart always web db
""",
    "rename": """
boxdeck rename web old-web
""",
    "rm": """
boxdeck rm job
boxdeck rm -fv web                               # while it runs, and its unnamed volumes
boxdeck rm $(boxdeck ps -aq -f status=exited)
""",
    "wait": """
boxdeck wait job           # prints its exit status
""",
    "ps": """
boxdeck ps -a
boxdeck ps -f status=exited -f label=tier=web
boxdeck ps --format 'table {{.Names}}\\t{{.Status}}'
""",
    "exec": """
boxdeck exec -it web sh
boxdeck exec -u root -e A=b web env
boxdeck exec -it --keep work web bash            # the same again returns to it
""",
    "debug": """
boxdeck debug web                                # its files are at /proc/1/root
boxdeck debug web ls /proc/1/root/etc
""",
    "attach": """
boxdeck attach web                               # ctrl-p ctrl-q leaves it running
boxdeck attach --no-stdin --detach-keys ctrl-a,d web
""",
    "logs": """
boxdeck logs -f -n 100 web
boxdeck logs -t --since 10m --until 5m web
""",
    "commit": """
boxdeck commit -m 'with tools' -c 'CMD ["sh"]' web web:mine
""",
    "diff": """
boxdeck diff web
""",
    "port": """
boxdeck port web
boxdeck port add web 8081:80
boxdeck port rm web 8081:80
""",
    "stats": """
boxdeck stats
boxdeck stats --no-stream --format '{{.Name}} {{.CPUPerc}} {{.MemUsage}}'
boxdeck stats --history day web
""",
    "top": """
boxdeck top web
""",
    "cgroup": """
boxdeck cgroup tree
""",
    "xray": """
boxdeck xray web           # the latest action on it
boxdeck xray web start --explain
""",
    "events": """
boxdeck events -f type=container -f event=die
boxdeck events --since 1h --until 0s --format json
""",
    "inspect": """
boxdeck inspect web
boxdeck inspect -f '{{.State.Pid}} {{.NetworkSettings.IPAddress}}' web
boxdeck inspect --type image base
""",
    "images": """
boxdeck images
boxdeck images --format '{{.Repository}}:{{.Tag}} {{.Size}}'
""",
    "pull": """
boxdeck pull alpine debian:12
""",
    "push": """
boxdeck push registry.example/team/web:2
""",
    "tag": """
boxdeck tag web:mine registry.example/team/web:2
""",
    "history": """
boxdeck history --no-trunc alpine
""",
    "save": """
boxdeck save -o web.tar web:mine                 # which docker load reads, too
""",
    "export": """
boxdeck export web | tar -t
""",
    "load": """
boxdeck load image.tar
""",
    "import": """
boxdeck import root.tar debian:12
""",
    "rmi": """
boxdeck rmi debian:12
""",
    "search": """
boxdeck search --limit 5 alpine
""",
    "tags": """
boxdeck tags alpine
""",
    "login": """
boxdeck login registry.example
boxdeck login -u me --password-stdin registry.example < secret
""",
    "logout": """
boxdeck logout registry.example
""",
    "completion": """
boxdeck completion bash > /etc/bash_completion.d/boxdeck
""",
    "container prune": """
boxdeck container prune -f --filter until=24h
""",
    "image prune": """
boxdeck image prune --all --filter until=720h
""",
    "image layers": """
boxdeck image layers web                         # of an image, or of a container
""",
    "image tree": """
boxdeck image tree web /etc
""",
    "image which": """
boxdeck image which web /etc/passwd
""",
    "image waste": """
boxdeck image waste web
""",
    "volume create": """
boxdeck volume create --label tier=data data
""",
    "volume ls": """
boxdeck volume ls -f dangling=true
""",
    "volume inspect": """
boxdeck volume inspect -f '{{.Mountpoint}}' data
""",
    "volume rm": """
boxdeck volume rm data
""",
    "volume prune": """
boxdeck volume prune -f --all
""",
    "network create": """
boxdeck network create --subnet 10.10.0.0/24 office
boxdeck network create --internal back
""",
    "network ls": """
boxdeck network ls
""",
    "network inspect": """
boxdeck network inspect office
""",
    "network connect": """
boxdeck network connect --ip 10.10.0.9 --alias www office web
""",
    "network disconnect": """
boxdeck network disconnect office web
""",
    "network rm": """
boxdeck network rm office
""",
    "network prune": """
boxdeck network prune -f
""",
    "network topology": """
boxdeck network topology
""",
    "ns run": """
boxdeck ns run --pid --mount --net --map-root -- bash
""",
    "ns enter": """
boxdeck ns enter web --net -- ss -tln            # the container's network, this machine's tools
""",
    "system df": """
boxdeck system df -v
""",
    "system prune": """
boxdeck system prune -f --volumes
""",
    "system check": """
boxdeck system check || boxdeck system check --repair
""",
    "system restore": """
boxdeck system restore
boxdeck system restore --unit > /etc/systemd/system/boxdeck.service
""",
    "system reset": """
boxdeck system reset --force
""",
}
_SAME = {"container ls": "ps", "image ls": "images", "image rm": "rmi"}
_NOUNS = ("container ", "image ", "system ")


def examples_of(words: str) -> tuple[str, ...]:
    """Lines that show the use of a command, such as ``run`` or ``image pull``; none where its name says it all."""
    name = _SAME.get(words, words)
    for noun in _NOUNS:
        name = name.removeprefix(noun) if name not in _EXAMPLES else name
    return tuple(_EXAMPLES.get(name, "").strip().splitlines())
