# Writes karate.csv and karate_labels.csv from the copy of the data in networkx.
import networkx as nx

graph = nx.karate_club_graph()
with open("karate.csv", "w") as out:
    out.write("# Zachary's karate club: members who met outside the club; ids as in the paper, from 1\n")
    out.write("source,target\n")
    for u, v in sorted(graph.edges()):
        out.write(f"{u + 1},{v + 1}\n")
with open("karate_labels.csv", "w") as out:
    out.write("node,club\n")
    for node, club in graph.nodes(data="club"):
        out.write(f"{node + 1},{club}\n")
