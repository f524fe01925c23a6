"What the users of `:java` have to know."

JAVA_HOME = "/usr/lib/jvm/java-17-openjdk-amd64"

# The JDBC driver of PostgreSQL.
POSTGRESQL_JAR = "/usr/share/java/postgresql.jar"

# For sound, fonts, pictures and smart cards, which no server needs; and what Java's own launcher finds by itself.
JAVA_MISSING_LIBRARIES = [
    "libasound.so.2",
    "libfreetype.so.6",
    "libharfbuzz.so.0",
    "libjpeg.so.62",
    "libjvm.so",
    "liblcms2.so.2",
    "libpcsclite.so.1",
]
